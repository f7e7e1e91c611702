#!/bin/bash
# Black-box tests of nonosctl: cli.sh NONOSCTL FAKENODE, from the repository's root, with build/test/tiny.{elf,efi}.
# Every command's exit code is checked, and that no sanitiser spoke. Ends with "N passed, N failed".
set -u
root=$PWD
n0n=$root/$1 fake=$root/$2 mkchain=$(dirname "$root/$2")/mkchain mkwad=$(dirname "$root/$2")/mkwad
elf=$root/build/test/tiny.elf efi=$root/build/test/tiny.efi
above=$(mktemp -d)
dir=$above/here  # so that ../x is nobody else's
mkdir "$dir"
node=
trap '[ -z "$node" ] || kill "$node" 2>/dev/null; rm -rf "$above"' EXIT
cd "$dir" || exit 1
unset N0N_NODE N0N_OPERATOR SOURCE_DATE_EPOCH
passed=0 failed=0

bad() {
    failed=$((failed + 1))
    echo "FAILED: $*"
    sed 's/^/    /' err | head -5
}

good() {
    passed=$((passed + 1))
}

# Has a line of FILE what REGEX says? By the shell itself: half of this script's time was in processes of grep and mv.
has() { # FILE REGEX
    local line lines
    mapfile -t lines <"$1"
    for line in "${lines[@]}"; do
        [[ $line =~ $2 ]] && return 0
    done
    return 1
}

# t NAME CODE COMMAND...: run it; stdout and stderr are then in `out` and `err`.
t() {
    local name=$1 want=$2 rc
    shift 2
    case $* in
    *out*)  # it may read what the last one said
        "$@" >out.new 2>err </dev/null
        rc=$?
        mv out.new out
        ;;
    *)
        "$@" >out 2>err </dev/null
        rc=$?
        ;;
    esac
    if has err 'Sanitizer|runtime error'; then
        bad "$name: sanitiser"
    elif [ $rc -ne "$want" ]; then
        bad "$name: exit code $rc, not $want"
    else
        good
    fi
}

# What the last command said.
says() {
    if has "$1" "$2"; then good; else bad "$1 lacks: $2"; fi
}

# check NAME COMMAND...: does it succeed?
check() {
    local name=$1
    shift
    if "$@"; then good; else bad "$name"; fi
}

silent_on() {
    if has "$1" "$2"; then bad "$1 has: $2"; else good; fi
}

same() {
    if cmp -s "$1" "$2"; then good; else bad "$1 and $2 differ"; fi
}

absent() {
    # shellcheck disable=SC2068  # words are patterns
    if [ -n "$(ls -d $@ 2>/dev/null)" ]; then bad "left behind: $*"; else good; fi  # each of them
}

poke() { # FILE OFFSET BYTE(octal)
    # shellcheck disable=SC2059  # an octal escape
    printf "\\$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
flip() { # FILE OFFSET: one bit of that byte, so that it never stays what it was
    byte=$(od -An -tu1 -j "$2" -N1 "$1")
    poke "$1" "$2" "$(printf %o $((byte ^ 1)))"
}

# --- the program itself
: >err
t 'no verb' 2 "$n0n"
t 'unknown verb' 2 "$n0n" frobnicate
says err 'no such verb'
t 'unknown second word' 2 "$n0n" mod frob
t 'escape in a verb' 2 "$n0n" $'\033[31mx'
silent_on err $'\033'
t 'help' 0 "$n0n" --help
t 'version' 0 "$n0n" --version
says out '^nonosctl [0-9]+\.[0-9]+\.[0-9]+$'
"$n0n" --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\)   .*/\1/p' >verbs
check 'verb list' [ "$(wc -l <verbs)" -ge 25 ]
while read -r verb; do
    # shellcheck disable=SC2086
    t "help of $verb" 0 "$n0n" $verb --help
    says out '^Usage: nonosctl'
    # shellcheck disable=SC2086
    t "bad option of $verb" 2 "$n0n" $verb --no-such-option
done <verbs
while read -r verb; do
    check "manual page has $verb" grep -qw -- "${verb%% *}" "$root/docs/nonosctl.1"
    check "docs/nonosctl.md has $verb" grep -qE "\`${verb%% *}[ \`]" "$root/docs/nonosctl.md"
done <verbs
t 'completion' 0 "$n0n" completion bash
cp out completion.bash
t 'completion parses' 0 bash -n completion.bash
complete_words() { # prints what bash would offer after these words
    # shellcheck disable=SC2016  # for the inner shell
    env -i PATH="$PATH" bash -c '. ./completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _nonosctl
        printf "%s\n" "${COMPREPLY[@]}"' x "$@"
}
t 'completes verbs' 0 complete_words "$n0n" po
says out '^poweroff$'
says out '^policy$'
t 'completes second words' 0 complete_words "$n0n" image v
says out '^verify$'
t 'completes options' 0 complete_words "$n0n" image make --ep
says out '^--epoch-floor$'
t 'full disk' 3 bash -c "'$n0n' --help >/dev/full"

# --- keys
t 'key new root' 0 "$n0n" key new --type root -o keys/root.key
t 'key new root 2' 0 "$n0n" key new --type root -o keys/root2.key
t 'key new publisher' 0 "$n0n" key new --type publisher keys/publisher
t 'key new operator' 0 "$n0n" key new --type operator -o keys/operator.key
t 'key new other' 0 "$n0n" key new --type publisher -o keys/other.key
t 'key new holder' 0 "$n0n" key new --type holder keys/holder
t 'key new holder 2' 0 "$n0n" key new --type holder keys/holder2
t 'key new other operator' 0 "$n0n" key new --type operator -o keys/other-op.key
modes=$(stat -c %a keys keys/root.key keys/publisher.key keys/publisher.next.key | tr '\n' ' ')
check 'modes of keys' [ "$modes" = '700 600 600 600 ' ]
check 'size of an event' [ "$(stat -c %s keys/publisher.kel)" = 240 ]
cp keys/root.key before
t 'key never overwritten' 3 "$n0n" key new --type root -o keys/root.key
same keys/root.key before
rm keys/other.kel
t 'no half set over an old .pub' 3 "$n0n" key new --type publisher -o keys/other
absent keys/other.kel
t 'key new without type' 2 "$n0n" key new -o x
t 'key new of next' 2 "$n0n" key new --type next -o x
t 'key new nowhere' 3 "$n0n" key new --type root -o /dev/null/x.key
for f in root.key root.pub publisher.kel publisher.pub publisher.key operator.pub publisher.next.key; do
    t "key show $f" 0 "$n0n" key show keys/$f -o json
    t "json of $f" 0 jq -e '.public | length == 64' out
    silent_on out "$(sed -n 's/^seed //p' keys/root.key)"
done
chmod 644 keys/root2.key
t 'readable secret' 1 "$n0n" mod build -e "$elf" -m x --sign keys/root2.key -o y
chmod 600 keys/root2.key
sed '/^seed/{s/[1-9a-f]$/0/;t;s/0$/1/}' keys/root.key >bad.key
chmod 600 bad.key
for i in 0 4 5 7 9 20 60 90 120 150 180 239; do
    cp keys/publisher.kel bad.kel
    flip bad.kel $i
    t "inception event, byte $i" 1 "$n0n" key show bad.kel
done
head -c 239 keys/publisher.kel >bad.kel
t 'inception event, short' 1 "$n0n" key show bad.kel

# --- modules
cat >hello.json <<'E'
{ "//": "a comment", "name": "hello", "version": "1.2.3", "sec_version": 2, "about": "says hello", "licence": "ISC",
  "classes": ["CoreExec", "IO", "IPC"],
  "caps": [ { "kind": "log" }, { "kind": "ports", "base": "0x3f8", "count": 8, "rights": ["read", "write"] },
            { "kind": "endpoint", "name": "console", "rights": ["call"] } ],
  "limits": { "memory_kib": 4096, "stack_kib": 64, "handles": 32, "threads": 2, "priority": 20 } }
E
jq '.caps |= reverse | .classes |= reverse' hello.json >hello2.json
echo '{ "name": "kernel", "version": "0.1.0", "sec_version": 5 }' >kernel.json
t 'mod build' 0 "$n0n" mod build --elf "$elf" --manifest hello.json --sign keys/publisher.key -o hello.mod
t 'mod build, other order' 0 "$n0n" mod build --elf "$elf" --manifest hello2.json --sign keys/publisher.key -o hello2.mod
same hello.mod hello2.mod
t 'mod verify, nobody to believe' 1 "$n0n" mod verify hello.mod
says out SIGNER_NOT_CHECKED
t 'mod verify by key' 0 "$n0n" mod verify hello.mod --key keys/publisher.pub
t 'mod verify by kel' 0 "$n0n" mod verify hello.mod --key keys/publisher.kel
t 'mod verify by another' 1 "$n0n" mod verify hello.mod --key keys/other.pub
says out PUB_UNKNOWN
t 'mod verify missing file' 3 "$n0n" mod verify none.mod --key keys/publisher.pub
t 'mod inspect, unchecked' 0 "$n0n" mod inspect hello.mod
says err 'WARNING.*NOT checked'
silent_on out 'hello|console'
t 'mod inspect, checked' 0 "$n0n" mod inspect hello.mod --key keys/publisher.pub -o json
t 'mod inspect json' 0 jq -e '.[0] | .name == "hello" and .version == "1.2.3" and .caps[2].base == 1016 and .symbols_len > 0' out
t 'mod inspect, wrong key' 1 "$n0n" mod inspect hello.mod --key keys/other.pub
silent_on out 'console'
t 'mod build, overrides' 0 "$n0n" mod build -e "$elf" -m hello.json --version 9.8.7 --sec-version 3 --key keys/publisher.pub -o later.mod
t 'unsigned verifies not' 1 "$n0n" mod verify later.mod --key keys/publisher.pub
says out KEY_UNKNOWN
t 'mod sign' 0 "$n0n" mod sign later.mod --key keys/publisher.key
t 'signed later' 0 "$n0n" mod inspect later.mod --key keys/publisher.pub -o json
t 'overrides hold' 0 jq -e '.[0] | .version == "9.8.7" and .sec_version == 3' out
t 'mod sign by another' 0 "$n0n" mod sign later.mod --key keys/other.key -o other.mod
t 'now the other publisher'"'"'s' 0 "$n0n" mod verify other.mod --key keys/other.pub
t 'still the first one'"'"'s' 0 "$n0n" mod verify later.mod --key keys/publisher.pub
t 'mod sign with another seed' 1 "$n0n" mod sign later.mod --key bad.key
says err 'contradict'
t 'mod sign with a public key' 1 "$n0n" mod sign later.mod --key keys/publisher.kel
t 'mod sign with a root' 1 "$n0n" mod sign later.mod --key keys/root.key
t 'mod build without symbols' 0 "$n0n" mod build -e "$elf" -m hello.json --no-symbols --sign keys/publisher.key -o nosym.mod
t 'verify without symbols' 0 "$n0n" mod verify nosym.mod --key keys/publisher.pub
t 'mod build from rubbish' 1 "$n0n" mod build -e hello.json -m hello.json --sign keys/publisher.key -o no.mod
t 'mod build, host program' 1 "$n0n" mod build -e "$n0n" -m hello.json --sign keys/publisher.key -o no.mod
t 'mod build, no publisher' 2 "$n0n" mod build -e "$elf" -m hello.json -o no.mod
t 'mod build with an operator key' 1 "$n0n" mod build -e "$elf" -m hello.json --sign keys/operator.key -o no.mod
t 'mod build, bad version' 2 "$n0n" mod build -e "$elf" -m hello.json --version 1.2 --sign keys/publisher.key -o no.mod
absent 'no.mod*'
t 'mod build into a file as folder' 3 "$n0n" mod build -e "$elf" -m hello.json --sign keys/publisher.key -o hello.json/x.mod
size=$(stat -c %s hello.mod)
for at in 0 7 8 12 40 70 110 140 176 180 190 192 230 290 400 $((size - 1)) $((size / 2)); do
    cp hello.mod broken.mod
    flip broken.mod "$at"
    t "byte $at changed" 1 "$n0n" mod verify broken.mod --key keys/publisher.pub
    t "byte $at changed, not signed again" 1 "$n0n" mod inspect broken.mod --key keys/publisher.pub
done
for n in 0 1 100 191 192 300 4000 $((size - 1)); do
    head -c "$n" hello.mod >broken.mod
    t "cut to $n" 1 "$n0n" mod verify broken.mod --key keys/publisher.pub
    t "cut to $n, no signature for it" 1 "$n0n" mod sign broken.mod --key keys/publisher.key
done
(cat hello.mod; echo) >broken.mod
t 'one byte too many' 1 "$n0n" mod verify broken.mod --key keys/publisher.pub
t 'kernel' 0 "$n0n" mod build --kernel -e "$elf" -m kernel.json --root keys/root.pub --sign keys/root.key -o KERNEL.MOD
t 'kernel verifies' 0 "$n0n" mod verify KERNEL.MOD --root keys/root.pub
t 'kernel, other root' 1 "$n0n" mod verify KERNEL.MOD --root keys/root2.pub
t 'kernel with caps' 2 "$n0n" mod build --kernel -e "$elf" -m hello.json --root keys/root.pub --sign keys/root.key -o no.mod
says err 'unknown key'
t '2 of 2 kernel, first' 0 "$n0n" mod build --kernel -e "$elf" -m kernel.json --root keys/root2.pub --root keys/root.pub --signatures 2 --sign keys/root.key -o K2.MOD
t '2 of 2 kernel, half' 1 "$n0n" mod verify K2.MOD --root keys/root.pub --root keys/root2.pub
t '2 of 2 kernel, second' 0 "$n0n" mod sign K2.MOD --key keys/root2.key
t '2 of 2 kernel, whole' 0 "$n0n" mod verify K2.MOD --root keys/root.pub --root keys/root2.pub
t '2 of 2 kernel, again' 0 "$n0n" mod sign K2.MOD --key keys/root2.key
t '2 of 2 kernel, third key' 1 bash -c "'$n0n' key new -t root keys/root3 >/dev/null && '$n0n' mod sign K2.MOD --key keys/root3.key"
says err 'has all of its 2 signatures'

# --- wads
mkdir -p pack/share/sub
cp hello.mod pack/
echo 'ISC licence' >pack/LICENSE
echo '# guide' >pack/README.md
echo data >pack/share/a
echo data >pack/share/sub/b
: >pack/share/empty
cat >pack/wad.json <<'E'
{ "name": "hello", "version": "1.2.3", "licence": "ISC", "about": "a package", "modules": ["hello.mod"],
  "licences": ["LICENSE"], "docs": ["README.md"], "assets": "share",
  "components": [ { "name": "lua5.4", "version": "5.4.4-3", "licence": "MIT", "purl": "pkg:deb/debian/lua5.4@5.4.4-3",
                    "sha256": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" } ] }
E
t 'wad build' 0 "$n0n" wad build pack/wad.json --sign keys/publisher.key -o h.wad
cp -r pack elsewhere
touch -d 2001-01-01 elsewhere/share/a
t 'wad build elsewhere' 0 bash -c "cd elsewhere && umask 077 && '$n0n' wad build wad.json --sign ../keys/publisher.key -o ../h2.wad"
same h.wad h2.wad
t 'wad build at another time' 0 env SOURCE_DATE_EPOCH=86400 "$n0n" wad build pack/wad.json --sign keys/publisher.key -o h2.wad
t 'wad diff' 1 "$n0n" wad diff h.wad h2.wad
says out 'changed +sbom'
silent_on out 'asset|module|document'
t 'wad build, bad time' 2 env SOURCE_DATE_EPOCH=soon "$n0n" wad build pack/wad.json -o h2.wad
t 'wad diff of itself' 0 "$n0n" wad diff h.wad h.wad
check 'nothing differs' [ ! -s out ]
cp -r pack pack2
echo new >pack2/share/new
rm pack2/share/empty
echo more >>pack2/README.md
t 'wad build, changed' 0 "$n0n" wad build pack2/wad.json -o h2.wad
t 'wad diff, changed' 1 "$n0n" wad diff h.wad h2.wad -o json
t 'wad diff json' 0 jq -e '[.[] | select(.type != "sbom" and .type != "provenance") | [.change, .path]] ==
    [["gone", "assets/empty"], ["new", "assets/new"], ["changed", "docs/README.md"]]' out
t 'wad verify' 0 "$n0n" wad verify h.wad --key keys/publisher.pub -o json
t 'wad verify json' 0 jq -e '.[0] | .ok and .provenance == "signed" and .modules[0].name == "hello"' out
t 'wad verify, nobody to believe' 1 "$n0n" wad verify h.wad
says out SIGNER_NOT_CHECKED
t 'wad verify by another' 1 "$n0n" wad verify h.wad --key keys/other.pub
says out PUB_UNKNOWN
says out 'not named to be believed'
t 'wad verify of another file' 1 "$n0n" wad verify hello.mod --key keys/publisher.pub
says out WAD_MAGIC
t 'wad verify of no file' 3 "$n0n" wad verify none.wad --key keys/publisher.pub
t 'wad inspect' 0 "$n0n" wad inspect h.wad -o json
at=$(jq '.names[0].offset' out)
t 'wad inspect json' 0 jq -e '(.names | length) == 8 and .lumps == 8 and .names[0].path == "assets/a" and (.wad_id | length) == 64' out
check 'a lump lies where it says' [ "$(tail -c +$((at + 1)) h.wad | head -c 4)" = data ]
t 'wad unpack' 0 "$n0n" wad unpack h.wad un --key keys/publisher.pub
same un/assets/sub/b pack/share/sub/b
same un/modules/hello.mod hello.mod
check 'all is unpacked' [ "$(find un -type f | wc -l)" = 8 ]
# what other tools read: the mandatory fields of SPDX 2.3 and of SLSA provenance v1
t 'SBOM' 0 jq -e '.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT" and
    (.creationInfo | .created == "1970-01-01T00:00:00Z" and (.creators | length) == 1) and
    (.documentNamespace | startswith("urn:")) and ([.packages[].SPDXID] | unique | length) == 8 and
    ([.packages[] | select(.name and .downloadLocation and .filesAnalyzed == false)] | length) == 8 and
    ([.packages[] | select(.packageFileName == "modules/hello.mod")][0] |
        .name == "hello" and .versionInfo == "1.2.3" and .licenseDeclared == "ISC") and
    [.packages[].SPDXID] - [.relationships[].relatedSpdxElement] == []' un/sbom.spdx.json
check 'SBOM has the hash' [ "$(jq -r '.packages[] | select(.packageFileName == "modules/hello.mod") | .checksums[0].checksumValue' \
    un/sbom.spdx.json)" = "$(sha256sum <hello.mod | cut -d' ' -f1)" ]
jq -r .payload un/provenance.json | base64 -d >statement
t 'provenance' 0 jq -e '._type == "https://in-toto.io/Statement/v1" and .predicateType == "https://slsa.dev/provenance/v1" and
    (.subject | length) == 6 and .predicate.buildDefinition.resolvedDependencies[0].name == "lua5.4" and
    .predicate.runDetails.builder.id == "urn:n0n:builder:local"' statement
t 'wad unpack over a folder' 3 "$n0n" wad unpack h.wad un --key keys/publisher.pub
mkdir victim
ln -s victim link.d
ln -s nowhere dangling.d
t 'wad unpack through a link' 3 "$n0n" wad unpack h.wad link.d
t 'wad unpack through a dangling link' 3 "$n0n" wad unpack h.wad dangling.d
check 'nothing went through' [ -z "$(ls victim)" ]
t 'wad unpack, not believed' 1 "$n0n" wad unpack h.wad un2 --key keys/other.pub
t 'wad unpack, nobody asked' 0 "$n0n" wad unpack h.wad un3/
says err 'WARNING.*NOT checked'
t 'share, nobody named' 2 "$n0n" share h.wad wad --node /dev/null
says err 'whose wads are believed'
t 'share, not believed' 1 "$n0n" share h.wad wad --key keys/other.pub --node /dev/null
t 'share under no name' 2 "$n0n" share h.wad ../wad --key keys/publisher.pub --node /dev/null
t 'wad unpack nowhere' 3 "$n0n" wad unpack h.wad /dev/null/x
absent un2 'un*.tmp*'
# a bit of the header, of a row, of the tree, of a lump; all others: tests/host/test_wad.c
for at in 0 24 72 4096 9000; do
    cp h.wad bad.wad
    flip bad.wad $at
    t "wad with byte $at changed" 1 "$n0n" wad verify bad.wad --key keys/publisher.pub
    says out 'WAD_'
    t "wad with byte $at changed is not unpacked" 1 "$n0n" wad unpack bad.wad bad.d
done
head -c -1 h.wad >bad.wad
t 'wad, short' 1 "$n0n" wad inspect bad.wad
says err WAD_TRUNCATED
absent bad.d
# names that lead out, each in a file whose hashes are right
for path in ../x /tmp/n0n-x zz/../../x . 'zz\x' $'zz\nx'; do
    "$mkwad" evil.wad "$path"
    t "wad with the name $path" 1 "$n0n" wad unpack evil.wad evil.d
    says err WAD_PATH
done
"$mkwad" evil.wad zz zz
t 'wad with one name twice' 1 "$n0n" wad unpack evil.wad evil.d
says err WAD_NAMES
"$mkwad" evil.wad zz zz/x
t 'wad with a file that is a folder' 1 "$n0n" wad unpack evil.wad evil.d
says err WAD_PATH
absent evil.d 'evil.d.tmp*' x ../x /tmp/n0n-x
"$mkwad" -m hello.mod good.wad zz
t 'wad with bad bills' 1 "$n0n" wad verify good.wad --key keys/publisher.pub
says out 'the SBOM is not SPDX'
says out 'not an in-toto statement'
says out 'hello.mod ok=yes'
t 'wad with bad bills, unpacked unasked' 0 "$n0n" wad unpack good.wad good.d
same good.d/modules/hello.mod hello.mod
# provenance: unsigned, by another, of other contents
t 'wad build, unsigned' 0 "$n0n" wad build pack/wad.json -o u.wad
t 'wad verify, nobody vouches for assets' 1 "$n0n" wad verify u.wad --key keys/publisher.pub
says out 'vouched for by nobody'
jq 'del(.assets)' pack/wad.json >pack/no-assets.json
t 'wad build without assets' 0 "$n0n" wad build pack/no-assets.json -o u.wad
t 'wad verify, modules alone' 0 "$n0n" wad verify u.wad --key keys/publisher.pub
t 'wad build by another' 0 "$n0n" wad build pack/wad.json --sign keys/other.key -o u.wad
t 'wad verify, provenance by another' 1 "$n0n" wad verify u.wad --key keys/publisher.pub
says out 'not named to be believed'
t 'wad build by a root' 1 "$n0n" wad build pack/wad.json --sign keys/root.key -o u2.wad
absent u2.wad
# sources
broken_source() { # NAME CODE JQ-FILTER REGEX
    jq "$3" pack/wad.json >pack/broken.json
    t "wad source: $1" "$2" "$n0n" wad build pack/broken.json -o broken.wad
    says err "$4"
}
broken_source 'unknown key' 2 '.colour = 1' colour
broken_source 'no licences' 2 'del(.licences)' licences
broken_source 'no name' 2 'del(.name)' name
broken_source 'bad version' 2 '.version = "one"' version
broken_source 'missing file' 3 '.modules = ["none.mod"]' none.mod
broken_source 'not a module' 1 '.modules = ["LICENSE"]' 'stage extract'
broken_source 'one file twice' 1 '.docs = ["README.md", "./README.md"]' 'two parts'
broken_source 'no assets there' 3 '.assets = "none"' none
broken_source 'bad hash' 2 '.components[0].sha256 = "12"' 'components\[0\].sha256'
broken_source 'component without licence' 2 'del(.components[0].licence)' licence
broken_source 'neither modules nor assets' 1 'del(.modules) | del(.assets)' WAD_PARTS
broken_source 'empty licence' 1 '.licences = ["share/empty"]' 'is empty'
ln -s /etc/passwd pack/share/link
t 'wad source: a link among the assets' 1 "$n0n" wad build pack/wad.json -o broken.wad
says err 'symbolic link'
rm pack/share/link
mkfifo pack/share/pipe
t 'wad source: a pipe among the assets' 1 "$n0n" wad build pack/wad.json -o broken.wad
rm pack/share/pipe
absent broken.wad

# wads in OCI's terms: a layout folder
t 'wad push to a folder' 0 "$n0n" wad push h.wad oci:lay:1.2.3
digest=$(sed 's/.*@//' out)
t 'layout' 0 jq -e '.schemaVersion == 2 and .manifests[0].artifactType == "application/vnd.n0n.wad.v1"' lay/index.json
check 'blobs are their names' bash -c 'cd lay/blobs/sha256 && for f in *; do echo "$f  $f"; done | sha256sum -c --quiet'
t 'wad pull from a folder' 0 "$n0n" wad pull oci:lay -o back.wad
same back.wad h.wad
t 'wad push again' 0 "$n0n" wad push h.wad oci:lay:1.2.3
t 'wad push of another' 0 "$n0n" wad push h2.wad oci:lay:1.2.4
check 'two tags' [ "$(jq '.manifests | length' lay/index.json)" = 2 ]
t 'wad pull, which?' 1 "$n0n" wad pull oci:lay -o no.wad
says err 'say which'
t 'wad pull by tag' 0 "$n0n" wad pull oci:lay:1.2.4 -o back.wad
same back.wad h2.wad
t 'wad with a detached area' 0 "$n0n" wad inspect good.wad
says out 'detached_bytes +10$'
t 'wad push with a detached area' 0 "$n0n" wad push good.wad oci:lay2:1
t 'wad pull with a detached area' 0 "$n0n" wad pull oci:lay2 -o back.wad
same back.wad good.wad
t 'wad pull of no tag' 1 "$n0n" wad pull oci:lay:9 -o no.wad
t 'wad pull from no folder' 3 "$n0n" wad pull oci:nolay:9 -o no.wad
t 'wad push without a tag' 2 "$n0n" wad push h.wad oci:lay
t 'wad push of a bad wad' 1 "$n0n" wad push bad.wad oci:lay:bad
for place in oci: oci::1 'host/Name:1' host:1 '/name:1' 'host/na//me:1' 'host/name:a b' host/name@sha256:12 'ho st/name:1' \
    host/../name:1; do
    t "wad pull from $place" 2 "$n0n" wad pull "$place" -o no.wad
done
blobs=lay1/blobs/sha256
relay() { # JQ-FILTER: a layout whose manifest was changed, with digests that are right
    rm -rf lay1
    cp -r lay lay1
    local m
    jq -c "$1" lay/blobs/sha256/"${digest#sha256:}" >m.json
    m=$(sha256sum <m.json | cut -d' ' -f1)
    mv m.json "$blobs/$m"
    jq ".manifests |= [.[0] | .digest = \"sha256:$m\"]" lay/index.json >lay1/index.json
}
relayed() { # NAME JQ-FILTER REGEX
    relay "$2"
    t "layout with $1" 1 "$n0n" wad pull oci:lay1 -o no.wad
    says err "$3"
}
relay .
t 'layout with its manifest written anew' 0 "$n0n" wad pull oci:lay1 -o back.wad
same back.wad h.wad
relayed 'another type' '.artifactType = "application/x"' "not a wad's"
relayed 'no type' 'del(.artifactType)' "not a wad's"
relayed 'another config type' '.config.mediaType = "application/x"' "not a wad's"
relayed 'a lump for an index' '.config.digest = .layers[1].digest | .config.size = .layers[1].size' 'malformed|the index'
relayed 'a digest that leads out' '.config.digest = "sha256:../../../h.wad"' 'malformed'
relayed 'a digest of another kind' '.config.digest |= sub("256"; "512")' 'malformed'
relayed 'a digest in capitals' '.config.digest |= (sub("sha256:"; "") | ascii_upcase | "sha256:" + .)' 'malformed'
relayed 'a huge config' '.config.size = 1e9' 'malformed'
relayed 'half a byte' '.layers[1].size = 0.5' 'not the lump'
relayed 'another length' '.layers[1].size -= 1' 'has .* bytes'
relayed 'more length' '.layers[1].size += 1' 'has .* bytes'
relayed 'layers exchanged' '.layers |= [.[0], .[2], .[1]] + .[3:]' 'not the lump'
relayed 'a layer less' 'del(.layers[7])' 'fewer layers'
relayed 'a layer more' '.layers += [.layers[1]]' 'more layers'
relayed 'no layers' 'del(.layers)' 'fewer layers'
relayed 'nothing' '1' "not a wad's"
rm -rf lay1
cp -r lay lay1
flip "$blobs/$(sha256sum <hello.mod | cut -d' ' -f1)" 5000
t 'layout with a blob changed' 1 "$n0n" wad pull oci:lay1:1.2.3 -o no.wad
says err 'has other bytes'
rm "$blobs/$(sha256sum <hello.mod | cut -d' ' -f1)"
t 'layout with a blob gone' 3 "$n0n" wad pull oci:lay1:1.2.3 -o no.wad
flip "$blobs/${digest#sha256:}" 30
t 'layout with its manifest changed' 1 "$n0n" wad pull oci:lay1:1.2.3 -o no.wad
says err 'has other bytes'
for d in '"sha256:../../../h.wad"' '"nonsense"' null; do
    jq ".manifests[0].digest = $d" lay/index.json >lay1/index.json
    t "layout with the digest $d" 1 "$n0n" wad pull oci:lay1:1.2.3 -o no.wad
    says err 'not one of SHA-256'
done
echo '{}' >lay1/index.json
t 'layout without an index' 1 "$n0n" wad pull oci:lay1:1.2.3 -o no.wad
absent no.wad 'no.wad.tmp*'
# a registry: Debian's, on this machine; then one that lies
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
await() { # PORT
    for _ in $(seq 100); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
        sleep 0.1
    done
    return 1
}
port=$(free_port)
cat >registry.yml <<E
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $dir/registry } }
http: { addr: "127.0.0.1:$port" }
E
docker-registry serve registry.yml >registry.log 2>&1 &
node=$!
await "$port" || cat registry.log
check 'docker-registry runs' await "$port"
reg=127.0.0.1:$port
t 'wad push' 0 "$n0n" wad push h.wad "$reg/tools/hello:1.2.3"
says out "@$digest$"
t 'wad push of what is there' 0 "$n0n" wad push h.wad "$reg/tools/hello:again"
t 'wad pull' 0 "$n0n" wad pull "$reg/tools/hello:1.2.3" -o back.wad
same back.wad h.wad
t 'wad pull by digest' 0 "$n0n" wad pull "localhost:$port/tools/hello@$digest" -o back.wad
same back.wad h.wad
t 'wad pull of what is not there' 5 "$n0n" wad pull "$reg/tools/none:1" -o no.wad
says err 'HTTP status 404'
blob=registry/docker/registry/v2/blobs/sha256
mod=$(sha256sum <hello.mod | cut -d' ' -f1)
flip "$blob/${mod:0:2}/$mod/data" 100
t 'wad pull of a blob that was changed' 1 "$n0n" wad pull "$reg/tools/hello:1.2.3" -o no.wad
says err 'has other bytes'
kill "$node"
wait "$node" 2>/dev/null
t 'wad pull from nobody' 4 "$n0n" wad pull "$reg/tools/hello:1.2.3" -o no.wad
python3 "$root/tests/host/evil_registry.py" >evil.port 2>evil.log &
node=$!
for _ in $(seq 100); do
    [ -s evil.port ] && break
    sleep 0.1
done
reg=127.0.0.1:$(cat evil.port)
evil() { # NAME CODE REGEX VERB
    if [ "$4" = push ]; then
        t "registry: $1" "$2" "$n0n" wad push h.wad "$reg/$1:t"
    else
        t "registry: $1" "$2" "$n0n" wad pull "$reg/$1:t" -o no.wad
    fi
    says err "$3"
}
evil long 1 'more than 4194304 bytes' pull
evil auth 5 'asks for credentials' pull
evil auth 5 'asks for credentials' push
evil file 4 'does not answer' pull
evil loop 4 'does not answer' pull
evil short 4 'does not answer' pull
evil noise 4 'does not answer' pull
evil away 5 'sends the upload to another place' push
evil twin 5 'sends the upload to another place' push
evil slashes 5 'sends the upload to another place' push
evil nowhere 5 'sends the upload to another place' push
evil no 5 'refused an upload' push
kill "$node"
wait "$node" 2>/dev/null
node=
absent no.wad 'no.wad.tmp*'

# --- policy
cat >policy.json <<'E'
{ "epoch": 3, "kernel_sec_min": 4, "operator": "operator.pub",
  "publishers": [ { "name": "dev", "key": "publisher.pub", "classes": ["CoreExec", "IO", "IPC"] },
                  { "name": "old", "key": "other.pub", "classes": ["CoreExec"], "revoked": true } ],
  "rules": [ { "publisher": "dev", "module": "hello", "classes": ["CoreExec", "IO", "IPC"], "sec_min": 2,
               "memory_kib": 1024, "priority": 9, "grants": [ { "kind": "log" } ] },
             { "publisher": "dev", "module": "init", "classes": ["CoreExec"] } ],
  "boot": ["HELLO.MOD"], "first": "hello", "start": [ { "module": "hello", "arg": "a b" } ] }
E
jq '.rules |= reverse | .publishers |= reverse' policy.json >policy2.json
t 'policy sign' 0 "$n0n" policy sign --in policy.json --keys keys --root keys/root.key -o BOOT.POL
t 'policy sign, other order' 0 "$n0n" policy sign --in policy2.json --keys keys --root keys/root.key -o B2.POL
same BOOT.POL B2.POL
t 'policy inspect' 0 "$n0n" policy inspect --root keys/root.pub BOOT.POL -o json
t 'policy json' 0 jq -e '.epoch == 3 and (.rules | length == 2) and .start[0].arg == "a b" and ([.publishers[].revoked] | any)' out
t 'policy inspect, other root' 1 "$n0n" policy inspect --root keys/root2.pub BOOT.POL
says err KEY_UNKNOWN
t 'policy inspect, no root' 2 "$n0n" policy inspect BOOT.POL
t 'policy with a publisher key' 1 "$n0n" policy sign --in policy.json --keys keys --root keys/publisher.key -o no.POL
t 'policy, keys elsewhere' 3 "$n0n" policy sign --in policy.json --keys . --root keys/root.key -o no.POL
says err 'operator names this key|publishers.0..key'
t 'policy, 2 of 2' 0 "$n0n" policy sign --in policy.json --keys keys --root keys/root.key --signatures 2 -o P2.POL
t 'policy, half' 1 "$n0n" policy inspect --root keys/root.pub --root keys/root2.pub P2.POL
t 'policy, second' 0 "$n0n" policy sign --add --in P2.POL --root keys/root2.key -o P2.POL
t 'policy, whole' 0 "$n0n" policy inspect --root keys/root.pub --root keys/root2.pub P2.POL
absent 'no.POL*'
size=$(stat -c %s BOOT.POL)
for at in 0 7 12 16 24 28 32 45 64 100 130 170 $((size - 1)); do
    cp BOOT.POL broken.POL
    flip broken.POL "$at"
    t "policy byte $at changed" 1 "$n0n" policy inspect --root keys/root.pub broken.POL
done
by='--root keys/root.pub --policy BOOT.POL'
# shellcheck disable=SC2086
{
    t 'module by policy' 0 "$n0n" mod verify hello.mod $by
    t 'kernel by policy' 0 "$n0n" mod verify KERNEL.MOD $by
    t 'revoked publisher' 1 "$n0n" mod verify other.mod $by
    says out PUB_REVOKED
    t 'wad by policy' 0 "$n0n" wad verify h.wad $by
    t 'wad by policy, provenance by a revoked publisher' 1 "$n0n" wad verify u.wad $by
    says out 'not named to be believed'
    silent_on out 'ok=no'
    t 'policy without root' 2 "$n0n" mod verify hello.mod --policy BOOT.POL
    t 'old module' 0 "$n0n" mod build -e "$elf" -m hello.json --sec-version 1 --sign keys/publisher.key -o old.mod
    t 'old module refused' 1 "$n0n" mod verify old.mod $by
    says out SEC_VERSION
    sed 's/"hello"/"shell"/' hello.json >shell.json
    t 'unlisted module' 0 "$n0n" mod build -e "$elf" -m shell.json --sign keys/publisher.key -o shell.mod
    t 'unlisted module refused' 1 "$n0n" mod verify shell.mod $by
    says out GRANT_NO_RULE
    sed 's/"CoreExec",/"CoreExec", "Crypto",/' hello.json >crypto.json
    t 'class above ceiling' 0 "$n0n" mod build -e "$elf" -m crypto.json --sign keys/publisher.key -o crypto.mod
    t 'class above ceiling refused' 1 "$n0n" mod verify crypto.mod $by
    says out GRANT_CEILING
    t 'old kernel' 0 "$n0n" mod build --kernel -e "$elf" -m kernel.json --sec-version 3 --root keys/root.pub --sign keys/root.key -o K3.MOD
    t 'old kernel refused' 1 "$n0n" mod verify K3.MOD $by
    says out SEC_VERSION
}

# --- images
make_image() {
    "$n0n" image make --loader "$efi" --root keys/root.pub --epoch-floor 2 --kernel KERNEL.MOD --policy BOOT.POL "$@"
}
t 'image make' 0 make_image --module hello.mod -o a.img
sleep 1
t 'image make again' 0 env MTOOLSRC=/nonexistent TZ=Asia/Tokyo "$n0n" image make --loader "$efi" --root keys/root.pub --epoch-floor 2 --kernel KERNEL.MOD --policy BOOT.POL --module hello.mod -o b.img
same a.img b.img
for needs in '"ghost"' '"hello-2", "ghost"'; do
    jq ".needs = [$needs]" hello.json >needy.json
    t "needs $needs" 0 "$n0n" mod build -e "$elf" -m needy.json --sign keys/publisher.key -o needy.mod
    t 'image without what is needed' 1 make_image --module needy.mod -o no.img
    says err 'hello is started and needs (ghost|hello-2), which is not among the modules'
    absent no.img
done
t 'image verify' 0 "$n0n" image verify a.img --root keys/root.pub
t 'image verify json' 0 "$n0n" image verify a.img --root keys/root.pub -o json
t 'image json' 0 jq -e 'length == 4 and all(.ok)' out
t 'image verify, own roots' 0 "$n0n" image verify a.img
says err WARNING
t 'image verify, other roots' 1 "$n0n" image verify a.img --root keys/root2.pub
t 'image inspect' 0 "$n0n" image inspect a.img --root keys/root.pub -o json
t 'image inspect json' 0 jq -e '.epoch_floor == 2 and .threshold == 1 and (.files | length == 4) and .policy[0].epoch == 3' out
t 'image of a loaded loader' 0 "$n0n" image make --loader <(mcopy -i a.img ::/EFI/BOOT/BOOTX64.EFI -) --root keys/root.pub --epoch-floor 2 --kernel KERNEL.MOD --policy BOOT.POL --module hello.mod -o c.img
same a.img c.img
t 'image without its module' 1 make_image -o no.img
says err 'lists the boot file HELLO.MOD'
t 'image with a stranger' 1 make_image --module hello.mod --module shell.mod -o no.img
says err 'GRANT_NO_RULE'
t 'image with a module twice' 1 make_image --module hello.mod --module hello.mod -o no.img
t 'image with a broken module' 1 make_image --module broken.mod -o no.img
t 'image with no loader' 1 make_image --loader hello.mod --module hello.mod -o no.img
t 'image, epoch below floor' 1 make_image --epoch-floor 4 --module hello.mod -o no.img
says err POL_EPOCH
t 'image, kernel below floor' 1 make_image --kernel-sec-min 6 --module hello.mod -o no.img
says err SEC_VERSION
sed 's/"name": *"[a-z]*"/"name": "kernel-storm"/' kernel.json >storm.json
t 'kernel for storms' 0 "$n0n" mod build --kernel -e "$elf" -m storm.json --root keys/root.pub --sign keys/root.key -o STORM.MOD
t 'image with it' 1 make_image --kernel STORM.MOD --module hello.mod -o no.img
says err 'breaks things on request'
t 'image with it, asked for' 0 make_image --storm --kernel STORM.MOD --module hello.mod -o storm.img
t 'image for storms with another kernel' 1 make_image --storm --module hello.mod -o no.img
t 'storm, how it runs' 0 "$n0n" storm --dry-run
says out 'icount shift=0,sleep=off'
t 'storm that would stand still' 2 "$n0n" storm --stop-before 3
t 'storm of nothing' 2 "$n0n" storm --count 0
t 'storm with nothing built' 3 "$n0n" storm --dir none --save no.txt
says err 'make storm'
t 'replay of what was never said' 3 "$n0n" storm --replay 9 --save none.txt
says err 'storm --seed'
absent no.txt
t 'image, module as kernel' 1 make_image --kernel hello.mod --module hello.mod -o no.img
says err BOOT_NOT_KERNEL
t 'image, unsigned policy' 1 make_image --policy broken.POL --module hello.mod -o no.img
t 'image, threshold too high' 2 make_image --threshold 2 --module hello.mod -o no.img
absent 'no.img*'
t 'image without mtools' 6 env PATH=/nonexistent "$n0n" image verify a.img
says err 'package mtools'
t 'image verify, no image' 3 "$n0n" image verify none.img
t 'image verify, no volume' 1 "$n0n" image verify hello.json
cp a.img b.img
mcopy -o -i b.img old.mod ::/N0N/HELLO.MOD
t 'image with an old module' 1 "$n0n" image verify b.img --root keys/root.pub
says out 'HELLO.MOD.*no.*SEC_VERSION'
mdel -i b.img ::/N0N/HELLO.MOD
t 'image without the module' 1 "$n0n" image verify b.img --root keys/root.pub
says out 'BOOT_NO_FILE'
mdel -i b.img ::/N0N/BOOT.POL
t 'image without the policy' 1 "$n0n" image verify b.img --root keys/root.pub
mkdir -p ro
t 'run, dry' 0 "$n0n" run --image a.img --dry-run --mem 64 --machine pc -- -snapshot
says out 'format=raw,readonly=on.*file=a.img.*-snapshot'
t 'run, no image' 3 "$n0n" run --image none.img
t 'run, bad accel' 2 "$n0n" run --accel magic
t 'run without qemu' 6 env PATH=/nonexistent "$n0n" run --image a.img --manage "$dir/m.sock" --firmware /usr/share/OVMF
t 'run without firmware' 6 "$n0n" run --image a.img --manage "$dir/m.sock" --firmware "$dir/none"
absent 'm.sock' '/tmp/nonosctl.*'

# --- live nodes
op=$("$n0n" key show keys/operator.pub -o json | jq -r .public)
node_up() {
    # ASan's leak check has nothing to say about a program that is killed
    "$fake" "$dir/n.sock" "$op" "$@" 2>node.err &
    node=$!
    for _ in $(seq 100); do
        [ -S "$dir/n.sock" ] && return
        sleep 0.05
    done
}
node_down() {
    kill "$node" 2>/dev/null
    wait "$node" 2>/dev/null
    grep -E 'Sanitizer|runtime error' node.err && bad 'fake node'
    node=
    rm -f n.sock
}
FAKE_HOLDER=$("$n0n" key show keys/holder.pub -o json | jq -r .public)
export FAKE_HOLDER N0N_NODE=$dir/n.sock N0N_OPERATOR=$dir/keys/operator.key
t 'no node' 4 "$n0n" ps
says err 'no node at'
says err 'nonosctl run'
for how in plain noise; do
    node_up $how
    for verb in ps modules caps mem log audit about; do
        t "$how: $verb" 0 "$n0n" $verb
        silent_on out $'\033'
        t "$how: $verb json" 0 "$n0n" $verb -o json
        t "$how: $verb is json" 0 jq -e . out
    done
    t "$how: ps has the crash" 0 "$n0n" ps -o json
    t "$how: crash" 0 jq -e '.[2].state == "crashed" and .[2].fault_symbol == "main+0x12"' out
    t "$how: caps of one" 0 "$n0n" caps shell -o json
    t "$how: caps rows" 0 jq -e 'length == 2 and .[0].capsule == 2 and .[0].rights == ["dup","call"]' out
    t "$how: caps by id" 0 "$n0n" caps 1
    t "$how: caps of nobody" 5 "$n0n" caps nobody
    t "$how: log lines" 0 "$n0n" log
    says out '^evil: .x1b.31mred'
    says out '^last line$'
    t "$how: crash ls" 0 "$n0n" crash ls
    says out '^ +7 1.500 +9 crashme +crashed: write near address zero at null_write'
    t "$how: crash ls json" 0 "$n0n" crash ls -o json
    t "$how: crash rows" 0 jq -e 'length == 1 and .[0].seq == 7 and .[0].trace[1].symbol == "nos_main+0x12"' out
    t "$how: crash show" 0 "$n0n" crash show 7
    cp out shown
    says out '^doing +running, answering a call of capsule 4'
    silent_on out $'\033'
    t "$how: crash save" 0 "$n0n" crash save 7 saved.crash
    check "$how: only its owner reads it" [ "$(stat -c %a saved.crash)" = 600 ]
    t "$how: crash show of the file" 0 "$n0n" crash show saved.crash --node nowhere
    check "$how: the same words" cmp out shown
    t "$how: crash show of another number" 5 "$n0n" crash show 6
    says err 'no crash record 6'
    t "$how: crash save of another number" 5 "$n0n" crash save 8 other.crash
    absent other.crash
    t "$how: events" 0 "$n0n" events --since 0 --count 5
    says out '^0.000 +text.x1b .capsule 4. crashed: '
    silent_on out $'\033'
    t "$how: events json" 0 "$n0n" events --since 3 --count 2 -o json
    t "$how: events are lines of json" 0 jq -es 'length == 2 and .[0].kind == "spawn" and (.[1].what | test("crashed"))' out
    t "$how: ps -w" 0 "$n0n" ps -w --count 3
    says out '^new +3 crashme +crashed'
    t "$how: ps -w json" 0 "$n0n" ps -w --count 3 -o json
    t "$how: ps -w has lines of json" 0 jq -es 'length == 3 and all(.[]; .change == "new")' out
    t "$how: ps --count alone" 2 "$n0n" ps --count 3
    t "$how: audit" 0 "$n0n" audit
    says out 'checked here: records 0 to 19, 14 of them under 2 checkpoints'
    silent_on out $'\033'
    t "$how: audit json" 0 "$n0n" audit -o json
    t "$how: causes in it" 0 jq -e '.records[10].causes == [9,4] and .signed[1].size == 14' out
    t "$how: audit, right key" 0 "$n0n" audit --key "$("$n0n" audit -o json | jq -r .key)"
    says out '^trusted: key;'
    t "$how: audit, wrong key" 1 "$n0n" audit --key "$op"
    says err 'good by itself.*AUDIT_KEY'
    t "$how: audit export" 0 "$n0n" audit export log.audit
    check "$how: only its owner reads it" [ "$(stat -c %a log.audit)" = 600 ]
    t "$how: audit checkpoint" 0 "$n0n" audit checkpoint -o live.note
    t "$how: the same from the file" 0 "$n0n" audit checkpoint log.audit -o file.note
    same live.note file.note
    node_down
done
node_up lose
t 'a line that loses bytes' 0 "$n0n" mem
node_down
node_up noise
t 'load' 0 "$n0n" load hello.mod
hello_id=$("$n0n" mod inspect hello.mod -o json 2>/dev/null | jq -r '.[0].module_id')
says out "^verified $hello_id$"
t 'load and start' 0 "$n0n" load hello.mod --start 'an argument'
says out 'capsule 9'
t 'load from a wad' 0 "$n0n" load h.wad --start 'an argument'
says out "^verified $hello_id$"
jq '.modules += ["later.mod"]' pack/wad.json >pack/two.json
cp later.mod pack/
t 'wad build of two modules' 0 "$n0n" wad build pack/two.json -o two.wad
t 'load from a wad, which one?' 1 "$n0n" load two.wad
says err 'say which: --module'
t 'load from a wad, this one' 0 "$n0n" load two.wad --module later
t 'load from a wad, by its path' 0 "$n0n" load two.wad --module modules/hello.mod
t 'load from a wad, none such' 1 "$n0n" load two.wad --module hell
t 'load from a module, which one?' 2 "$n0n" load hello.mod --module hello
cp h.wad bad.wad
flip bad.wad 4100
t 'load from a wad, damaged' 1 "$n0n" load bad.wad
says err 'WAD_BLAKE3.*nothing of it is used'
cp hello.mod broken.mod
poke broken.mod 190 1
t 'load broken' 5 "$n0n" load broken.mod
says err 'MOD_|HASH_'
t 'load, argument without start' 2 "$n0n" load hello.mod arg
t 'load nothing' 3 "$n0n" load none.mod
t 'start' 0 "$n0n" start hello
t 'start, a manifest that is not there' 3 "$n0n" start hello --manifest none.json
silent_on out started
t 'start unknown' 5 "$n0n" start nobody
says err NOT_FOUND
t 'start, bad name' 2 "$n0n" start 'Not A Name'
t 'start, long argument' 2 "$n0n" start hello "$(printf %0300d 1)"
t 'kill' 0 "$n0n" kill 2
t 'kill unknown' 5 "$n0n" kill 77
t 'gdb of nobody' 5 "$n0n" gdb nobody
t 'gdb, no capsule' 2 "$n0n" gdb
t 'gdb for no time' 2 "$n0n" gdb shell --seconds 0
t 'gdb for two hours' 2 "$n0n" gdb shell --seconds 7200
t 'gdb, arguments for none' 2 "$n0n" gdb shell --listen 1 -- -batch
t 'gdb, a node without' 5 "$n0n" gdb shell -- -batch
t 'kill, no number' 2 "$n0n" kill shell
t 'another operator' 1 "$n0n" kill 2 --operator keys/other-op.key
t 'a root is no operator' 1 "$n0n" kill 2 --operator keys/root.key
t 'no operator key' 3 "$n0n" kill 2 --operator none.key
t 'caps tree' 0 "$n0n" caps --tree
says out '^endpoint console #0$'
says out '^    shell\(2\) +00010001 +derive +revoked +dup,call badge 2a$'
check 'tree fits 80 columns' awk 'length > 80 { exit 1 }' out
t 'caps tree json' 0 "$n0n" caps --tree -o json
t 'tree json' 0 jq -e '.[1].revoked and .[1].level == 1 and .[1].cells == [9] and .[1].payer == 1 and (.[0].cells == [])' out
t 'caps tree of one' 2 "$n0n" caps --tree shell
t 'caps graph' 0 "$n0n" caps graph -o g.svg
check 'well-formed' python3 -c 'import xml.dom.minidom as x; x.parse("g.svg")'
says g.svg 'class="edge t4 cut"'
says g.svg 'class="made cut"'
t 'caps graph to standard output' 0 "$n0n" caps graph --timeout 5
same out g.svg
t 'token export' 0 "$n0n" token export 1 0x10001 -o a.tok
t 'token export, unknown' 5 "$n0n" token export 3 1 -o b.tok
absent b.tok
t 'token export, no file' 2 "$n0n" token export 1 1
t 'token verify by node' 0 "$n0n" token verify a.tok --node
issuer=$("$n0n" about -o json | jq -r .issuer)
t 'token verify by issuer' 0 "$n0n" token verify a.tok --issuer "$issuer" -o json
t 'token json' 0 jq -e '.ok and .type == "endpoint" and .rights == ["call"] and (.time_checked | not)' out
t 'token, too early' 1 "$n0n" token verify a.tok --issuer "$issuer" --now 4
t 'token, in time' 0 "$n0n" token verify a.tok --issuer "$issuer" --now 5
t 'token, too late' 1 "$n0n" token verify a.tok --issuer "$issuer" --now 999999999999999
t 'token, other issuer' 1 "$n0n" token verify a.tok --issuer "$op"
t 'token, nobody to believe' 2 "$n0n" token verify a.tok
for at in 0 2 3 10 40 60 100 131 140 195; do
    cp a.tok b.tok
    flip b.tok $at
    t "token byte $at" 1 "$n0n" token verify b.tok --issuer "$issuer"
done
head -c 195 a.tok >b.tok
t 'token, short' 1 "$n0n" token verify b.tok --issuer "$issuer"
# --- chains
t 'token that may go on' 0 "$n0n" token export 1 2 -o c1.tok
who=$(printf 'ab%.0s' $(seq 32))
derive() { "$n0n" token derive --key keys/holder.key "$@"; }
verify() { "$n0n" token verify --issuer "$issuer" "$@"; }
t 'derive' 0 derive c1.tok --audience "$who" --exp 100 --nbf 6 --next-key keys/holder2.pub -o c2.tok
t 'verify two blocks' 0 verify c2.tok -o json
t 'two blocks json' 0 jq -e --arg w "$who" '.blocks == 2 and .audience == $w and .expires_ns == 100 and .depth == 2
    and .rights == ["transfer", "call"] and (.chain | length) == 2 and .chain[0].expires_ns > 100' out
t 'verify as text' 0 verify c2.tok
says out 'block=2 audience=abab'
t 'derive again, by the next key' 0 "$n0n" token derive --key keys/holder2.key c2.tok --rights call \
    --next-key "$FAKE_HOLDER" --depth 1 -o c3.tok
t 'derive a last time' 0 derive c3.tok --rights '' --classes '' -o c4.tok
t 'verify four blocks' 0 verify c4.tok --time 50 --audience "$who"
says out '^blocks +4$'
says out '^rights +-$'
t 'chain, too early' 1 verify c2.tok --now 5
says err 'outside its validity \(TOKEN_TIME\)'
t 'chain, too late' 1 verify c2.tok --now 100
t 'chain, another audience' 1 verify c2.tok --audience "${who/a/b}"
says err 'made out to another module.*\(TOKEN_AUDIENCE\)'
t 'four are enough' 1 derive c4.tok -o d.tok
says err 'TOKEN_DEPTH'
t 'no further block' 1 derive a.tok -o d.tok
says err 'TOKEN_DEPTH'
t 'not the key that is named' 1 "$n0n" token derive --key keys/holder2.key c1.tok -o d.tok
says err 'is not the holder key that the last block of c1.tok names'
t 'an operator is no holder' 1 "$n0n" token derive --key keys/operator.key c1.tok -o d.tok
t 'no room behind depth 1' 1 derive c3.tok --next-key keys/holder.pub -o d.tok
says err 'TOKEN_DEPTH'
t 'derive wider' 1 derive c1.tok --rights call,recv -o d.tok
says err 'a block widens rights or classes \(TOKEN_RIGHTS\)'
t 'derive more classes' 1 derive c1.tok --classes CoreExec,IO -o d.tok
t 'derive earlier' 1 derive c1.tok --nbf 4 -o d.tok
says err 'TOKEN_WINDOW'
t 'derive without end' 1 derive c1.tok --exp 0 -o d.tok
t 'derive an empty life' 1 derive c1.tok --nbf 9 --exp 9 -o d.tok
says err 'TOKEN_FORMAT'
t 'derive for another' 1 "$n0n" token derive --key keys/holder.key c3.tok --audience "${who/a/b}" -o d.tok
says err 'TOKEN_AUDIENCE'
t 'no depth without a key' 2 derive c1.tok --depth 1 -o d.tok
t 'no such right' 2 derive c1.tok --rights fly -o d.tok
says err '"fly" is no right; allowed: dup'
t 'derive to nowhere' 2 derive c1.tok
t 'derive without a key' 2 "$n0n" token derive c1.tok -o d.tok
absent d.tok
t 'token show' 0 "$n0n" token show c4.tok -o json
says err 'no signature is checked'
t 'token show json' 0 jq -e '.blocks == 4 and .signatures_checked == false and .chain[3].rights == []' out
head -c 391 c2.tok >b.tok
t 'half a block' 1 "$n0n" token show b.tok
says err 'TOKEN_FORMAT'
cat c4.tok a.tok >b.tok
t 'five blocks' 1 "$n0n" token show b.tok
says err 'TOKEN_DEPTH'
{ head -c 196 c1.tok; tail -c 196 c3.tok; } >b.tok
t 'a block left out' 1 verify b.tok
says err 'block 2: .*not signed by the key that the block before it names \(TOKEN_LINK\)'
for at in 10 140 200 240 330; do
    cp c2.tok b.tok
    flip b.tok $at
    t "chain byte $at" 1 verify b.tok
done
issuer=$("$mkchain" issuer)
for rule in rights:RIGHTS classes:RIGHTS object:OBJECT window:WINDOW depth:DEPTH audience:AUDIENCE link:LINK; do
    "$mkchain" ${rule%:*} >b.tok
    t "verify: $rule" 1 verify b.tok
    says err "(block 2: .*)?\(TOKEN_${rule#*:}\)"
done
"$mkchain" none >b.tok
t 'verify: no rule broken' 0 verify b.tok --now 1001
t 'poweroff' 0 "$n0n" poweroff
check 'fake node ends' wait "$node"
node=
t 'gone' 4 "$n0n" ps
node_up lies
t 'a node that tells the same refusal for ever' 5 timeout 20 "$n0n" start hello
says err 'in.x1b.2Jit was not granted: log; .* rule for in.x1b.2Jit'
says err 'older than the one asked for'
silent_on err $'\033'
node_down
node_up tamper
t 'tampered audit' 1 "$n0n" audit
says err 'does not hold at record 2.*AUDIT_BODY'
t 'tampered, not exported' 1 "$n0n" audit export tampered.audit
absent tampered.audit
t 'tampered audit json' 1 "$n0n" audit -o json
t 'tampered json says so' 0 jq -e '.chain_ok == false' out
node_down
node_up tamper
t 'a crash record that breaks a rule' 5 "$n0n" crash ls
says err 'makes no sense'
t 'the same, one' 5 "$n0n" crash show 7
t 'the same, not saved' 5 "$n0n" crash save 7 other.crash
absent other.crash
node_down
t 'crash save without a number' 2 "$n0n" crash save x y
t 'crash save without a file' 2 "$n0n" crash save 7
t 'crash show of no file' 3 "$n0n" crash show nosuch.crash
for at in 0 7 100 1000 2047 2048 2079; do
    cp saved.crash changed.crash
    flip changed.crash $at
    t "crash file byte $at" 1 "$n0n" crash show changed.crash
    says err 'not the bytes that were saved'
done
head -c 2079 saved.crash >changed.crash
t 'a short crash file' 1 "$n0n" crash show changed.crash
{ cat saved.crash; echo; } >changed.crash
t 'a long crash file' 1 "$n0n" crash show changed.crash
node_up resign
t 'an old key signs a newer size' 1 "$n0n" audit
says err 'does not hold at checkpoint 1: .*AUDIT_KEY'
node_down
node_up fork
t 'another log of this boot is good by itself' 0 "$n0n" audit
t 'but not for who holds a checkpoint' 1 "$n0n" audit --checkpoint live.note
says err 'AUDIT_FORK'
node_down
node_up cut
t 'a log without its end is good by itself' 0 "$n0n" audit
t 'but not for who holds a checkpoint of the end' 1 "$n0n" audit --checkpoint live.note
says err 'AUDIT_SHORT'
node_down

# --- audit files, without the node
audit() {
    local verb=$1
    shift
    "$n0n" audit "$verb" "$@"
}
key0=$(audit show log.audit -o json | jq -r .key)
t 'audit verify' 0 audit verify log.audit
says out '^trusted: nothing;'
t 'audit verify, all pinned' 0 audit verify log.audit --key "$key0" --checkpoint live.note
says out '^trusted: key, checkpoint;'
t 'audit verify json' 0 audit verify log.audit -o json
t 'a verdict alone' 0 jq -e '.chain_ok and .causes == 24 and .causes_gone == 0 and (has("records") | not)' out
t 'audit show of the file' 0 audit show log.audit --node nowhere
says out '^ +10 .* <- 9 4$'
t 'a note that is none' 1 audit verify log.audit --checkpoint log.audit
says err 'not a checkpoint'
sed 's/^14$/15/' live.note >other.note
t 'a changed note' 1 audit verify log.audit --checkpoint other.note
says err 'AUDIT_FORK'
sed 's/^14$/014/' live.note >other.note
t 'a note written in another way' 1 audit verify log.audit --checkpoint other.note
t 'audit prove' 0 audit prove log.audit 9 -o nine.proof
t 'audit verify of it' 0 audit verify nine.proof --key "$key0" --checkpoint live.note
says out ' 9 0.000 .*\(hidden\) <- 8$'
t 'a record under no checkpoint' 1 audit prove log.audit 17 -o x.proof
says err 'under no checkpoint yet.*AUDIT_GAP'
t 'a record that is not there' 1 audit prove log.audit 20 -o x.proof
says err 'no record 20.*NOT_FOUND'
absent x.proof
t 'audit disclose' 0 audit disclose log.audit 10 3 -o some.proof
t 'verify: what is disclosed' 0 audit verify some.proof -o json
t 'those and no others' 0 jq -e '[.records[].seq] == [10,3] and .records[0].a == 10' out
t 'audit disclose with its path' 0 audit disclose log.audit 10 --path -o path.proof
t 'verify: the path' 0 audit verify path.proof --key "$key0" -o json
t 'down to record 0, bodies hidden' 0 jq -e '.records[-1].seq == 0 and .records[0].a == 10 and
    ([.records[1:][] | has("a")] | any | not)' out
check 'salts and bodies of the path are not in it' [ "$(stat -c %s path.proof)" -lt 4000 ]
t 'audit consistency' 0 audit consistency log.audit 7 14 -o grew.proof
t 'verify: it only grew' 0 audit verify grew.proof --checkpoint live.note
says out 'the first 7 of the 14 records'
t 'a size without a checkpoint' 1 audit consistency log.audit 7 13 -o x.proof
says err 'no checkpoint of 13 records'
t 'sizes the wrong way round' 2 audit consistency log.audit 14 7 -o x.proof
t 'no output named' 2 audit prove log.audit 9
t 'no number' 2 audit consistency log.audit 7 -o x.proof
t 'no such log' 3 audit verify nosuch.audit
t 'a proof is no log' 1 audit show nine.proof
says err 'AUDIT_FORMAT'
for file in log.audit path.proof grew.proof; do
    for at in 0 9 40 200 900 1000 -20; do
        size=$(stat -c %s $file)
        cp $file changed
        flip changed $((at < 0 ? size + at : at % size))
        t "$file: byte $at changed" 1 audit verify changed
    done
    head -c -1 $file >changed
    t "$file: a byte short" 1 audit verify changed
    { cat $file; echo; } >changed
    t "$file: a byte long" 1 audit verify changed
done
node_up drop
t 'dropped log' 0 "$n0n" log
says err 'overwritten'
node_down
node_up old
t 'another version' 5 "$n0n" about
node_down
node_up mute
t 'mute node' 4 "$n0n" ps --timeout 1
says err 'does not answer'
t 'run beside it' 3 "$n0n" run --image a.img --manage "$dir/n.sock"
says err 'already'
node_down
absent '*.tmp.*' 'keys/*.tmp.*'

# --- projects: what is made of the SDK's templates; tests/sdk builds and boots them ---
mkdir kit
touch kit/n0n.mk
ln -s "$root/sdk/templates" kit/templates
export N0N_SDK=$dir/kit
for lang in c c-nolibc; do
    for what in cli service driver; do
        t "new, $what in $lang" 0 "$n0n" new "p-$what" --lang $lang --template $what
        says out 'nonosctl run'
        says "p-$what/manifest.json" "\"name\": \"p-$what\""
        says "p-$what/rule.json" "\"module\": \"p-$what\""
        says "p-$what/Makefile" "^NAME := p-$what\$"
        check "nothing is called as the template" [ -z "$(grep -r newcapsule "p-$what")" ]
        check "a test for the developer's machine" ls "p-$what"/test_*.c >/dev/null
        rm -r "p-$what"
    done
done
for name in Upper 1digit 'a b' ../out twelve-and-more ''; do
    t "new, no name: $name" 2 "$n0n" new "$name"
    says err 'is no name for a module'
done
t 'new, without a name' 2 "$n0n" new
t 'new, two names' 2 "$n0n" new one two
t 'new, no such language' 2 "$n0n" new one --lang pascal
says err 'c or c-nolibc'
t 'new, no such template' 2 "$n0n" new one --template ghost
says err 'cli, service or driver'
mkdir taken
t 'new, the folder exists' 3 "$n0n" new taken
says err 'taken exists'
ln -s nowhere dangling
t 'new, a link of that name' 3 "$n0n" new dangling
t 'new, an SDK without templates' 3 env N0N_SDK="$dir/keys" "$n0n" new one
says err 'N0N_SDK is .*keys, where no SDK is'
mkdir broken
touch broken/n0n.mk
t 'new, templates are gone' 3 env N0N_SDK="$dir/broken" "$n0n" new one
absent one 'one.new.*' 'taken/*'
t 'build, no project' 2 "$n0n" build
says err 'nonosctl new NAME'
t 'build, an argument' 2 "$n0n" build now
"$n0n" new here >/dev/null
cd here || exit 1
cat >manifest.json <<'END'
{
    "name": "here", "version": "0.1.0", "sec_version": 1,
    "classes": [
        "CoreExec", "IPC",
        "IO"
    ],
    "// caps": ["{[", "\"]"],
    "caps": [
        { "kind": "endpoint", "name": "console", "rights": ["call", "grant"] }, { "kind": "log" },
        { "kind": "endpoint",
          "name": "memfs", "rights": ["call"] }
    ],
    "limits": { "memory_kib": 512, "stack_kib": 32, "handles": 16, "threads": 1, "priority": 10 }
}
END
t 'build, more than is granted' 1 "$n0n" build
says err '^nonosctl: manifest.json:5: here asks for the class IO, which rule.json does not grant'
says err '^nonosctl: manifest.json:9: here asks for the rights \["grant"\] of .*console.*, which rule.json does not grant'
says err '^nonosctl: manifest.json:9: here asks for \{"kind":"log"\}, which'
says err '^nonosctl: manifest.json:10: here asks for .*"name":"memfs","rights":\["call"\]'
says err 'the operator of the machine can grant it: in "grants" of rule.json'
absent build
sed -i 's/"here"/"there"/' manifest.json
t 'build, a rule for another' 1 "$n0n" build
says err 'is called there, and rule.json is for here'
echo '{' >manifest.json
t 'build, no JSON' 2 "$n0n" build
rm -r ../here
cd .. || exit 1
"$n0n" new here >/dev/null
cd here || exit 1
t 'build, no make' 6 env PATH=/nonexistent "$n0n" build
says err 'install the packages make'
cd ..

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
