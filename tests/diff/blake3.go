// What tests/diff/blake3.c prints, by an implementation of other authors in another language: the Go package
// whose test vectors deps/lock has. The two outputs must be the same bytes.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"lukechampine.com/blake3"
)

const context = "N0N-OS 2026 module id v1"

func input(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(uint32(i) * 2654435761 >> 24)
	}
	return b
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	key := input(77)[45:]
	var n int
	for {
		if _, err := fmt.Scan(&n); err == io.EOF {
			break
		} else if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		in := input(n)
		plain := blake3.Sum256(in)
		keyed := blake3.New(32, key)
		keyed.Write(in)
		var derived [32]byte
		blake3.DeriveKey(derived[:], context, in)
		long := blake3.New(32, nil)
		long.Write(in)
		xof := long.XOF()
		var far [131]byte
		// Not by Seek, which that package gets wrong off a border of 1,024 bytes.
		io.CopyN(io.Discard, xof, int64(n))
		io.ReadFull(xof, far[:])
		fmt.Fprintf(out, "%d %x %x %x %x\n", n, plain, keyed.Sum(nil), derived, far)
	}
	out.Flush()
}
