-- Reference manual, chapters 6.8 to 6.10: files, system, debug. Writes below the folder that is the argument, or "common".
local n = 0
local function is(got, want) n = n + 1; if got ~= want then error(("check %d: %s, not %s"):format(n, got, want), 2) end end
local function why(f, ...) local ok, e = pcall(f, ...); is(ok, false); return e end
local here = (arg and arg[1] or "common") .. "/"
local name = here .. "lua.tmp"

-- 6.8
is(io.type(io.stdout), "file"); is(io.type(5), nil); local f, e, code = io.open(here .. "none/x"); is(f, nil)
is(e, here .. "none/x: No such file or directory"); is(code, 2); is(why(io.open, name, "q"):match("invalid mode") ~= nil, true)
f = assert(io.open(name, "w")); is(f:write("line one\n", 2, " ", 3.5, "\n", "0x1F -7 1e2 rest\n", "\n", "last"), f); is(f:seek(), 37)
is(f:close(), true); is(io.type(f), "closed file"); is(tostring(f), "file (closed)"); is(why(f.read, f), "attempt to use a closed file")
f = assert(io.open(name)); is(f:read(), "line one"); local a, b = f:read("n", "n"); is(a, 2); is(b, 3.5); is(f:read("L"), "\n")
a, b, e = f:read("n", "n", "n"); is(a, 31); is(b, -7); is(e, 100.0); is(f:read("l"), " rest"); is(f:read("l"), ""); is(f:read(2), "la")
is(f:read("a"), "st"); is(f:read("a"), ""); is(f:read("l"), nil); is(f:read(0), nil)
is(f:seek("set", 5), 5); is(f:read(3), "one"); is(f:seek("cur", -3), 5); is(f:seek("end"), 37); is(f:seek("end", -4), 33)
is(f:read("a"), "last"); is(select(2, f:seek("set", -1)), "Invalid argument"); a, e, code = f:write("x"); is(a, nil); is(e ~= "", true); f:close()
f = io.open(name, "a+"); f:write("!"); f:seek("set"); is(f:read("l"), "line one"); f:write("?"); f:close(); f = io.open(name, "r+")
f:write("LINE"); f:seek("set", 0); is(f:read("a"):sub(1, 8), "LINE one"); f:close(); f = io.open(name, "rb"); is(f:seek("end"), 39)
f:close()
local got = {}; for line in io.lines(name) do got[#got + 1] = line end; is(#got, 5); is(got[5], "last!?"); got = ""
for c, d in io.lines(name, 1, 1) do got = got .. c .. (d or "."); if #got > 7 then break end end; is(got, "LINE one")
is(why(io.lines, here .. "none"):match("No such file or directory") ~= nil, true)
f = io.open(name, "w"); is(f:setvbuf("full", 1024), true); for i = 1, 20000 do f:write(i, "\n") end; is(f:flush() and 1, 1); f:close()
local sum = 0; for i in io.lines(name, "n") do sum = sum + i end; is(sum, 200010000); is(#assert(io.open(name)):read("a"), 108894)
do local c <close> = io.open(name); f = c end; is(io.type(f), "closed file"); local out = io.output(); io.output(name)
io.write("by io.write"); io.close(); io.output(out); local inp = io.input(); io.input(name); is(io.read("a"), "by io.write")
io.close(io.input()); io.input(inp)
f = io.open(name, "wb"); f:write(("\0\1\255\r\n"):rep(50)); f:close(); f = io.open(name, "rb"); is(f:read("a"), ("\0\1\255\r\n"):rep(50))
f:close(); is(pcall(io.popen, "ls") and 1 or 1, 1)
f = io.open(name, "w"); f:write("return {value = 7, name = ...}"); f:close(); is(dofile(name).value, 7)
is(loadfile(name, "t")("n").name, "n"); f = io.open(name, "w"); f:write("#!first line\nreturn 3 +"); f:close(); a, e = loadfile(name)
is(a, nil); is(e, name .. ":2: unexpected symbol near <eof>")
f = io.open(here .. "luamod.lua", "w"); f:write("local m, where = ...; return {m = m, where = where}"); f:close()
package.path = here .. "?.lua"; local m, where = require "luamod"; is(m.m, "luamod"); is(m.where, here .. "luamod.lua"); is(where, m.where)
is(package.searchpath("luamod", package.path), where)

-- 6.9
is(os.rename(name, name .. "2"), true); is(io.open(name), nil); a, e, code = os.remove(name); is(a, nil)
is(e, name .. ": No such file or directory"); is(code, 2); is(os.remove(name .. "2"), true); is(os.remove(here .. "luamod.lua"), true)
is(os.date("!%Y-%m-%d %H:%M:%S", 86400 * 365), "1971-01-01 00:00:00"); is(os.date("!*t", 0).year, 1970)
is(os.date("!*t", 951782400).yday, 60); is(os.date("!%A %d %B %j %p %y %%", 0), "Thursday 01 January 001 AM 70 %")
is(os.time{year = 1970, month = 1, day = 2, hour = 0}, 86400 + os.time{year = 1970, month = 1, day = 1, hour = 0})
is(why(os.date, "%Ez", 0):match("invalid conversion specifier") ~= nil, true)
is(why(os.time, {year = 2000}):match("missing in date table") ~= nil, true)
is(os.time{year = 2000, month = 14, day = 1, hour = 12} - os.time{year = 2001, month = 2, day = 1, hour = 12}, 0)
is(os.difftime(5, 3), 2.0); is(math.type(os.time()), "integer"); local t0 = os.clock(); is(t0 >= 0, true)
is(os.getenv("NO_SUCH_THING"), nil)
is(os.setlocale(), "C"); is(os.setlocale("C"), "C"); is(os.setlocale(nil, "numeric"), "C"); is(type(os.tmpname) , "function")
for i = 1, 200000 do end; is(os.clock() >= t0, true)

-- 6.10
local function probe(a, b, ...) local c = 3; local names = {}; for i = 1, 9 do local k, v = debug.getlocal(1, i); if not k then break end
names[i] = k end; return table.concat(names, " "), debug.getlocal(1, -1) end
local names, va, vv = probe(1, 2, "x"); is(names:sub(1, 5), "a b c"); is(va, "(vararg)"); is(vv, "x")
local info = debug.getinfo(probe, "SlnuL"); is(info.what, "Lua"); is(info.nparams, 2); is(info.isvararg, true)
is(info.linedefined > 0, true); is(debug.getinfo(print).what, "C"); is(debug.getinfo(100), nil)
is(debug.getinfo(1, "l").currentline > 0, true)
local up = 5; local function g() return up end; is(debug.getupvalue(g, 1), "up"); is(debug.setupvalue(g, 1, 6), "up"); is(up, 6)
local other = 9; local function k() return other end; debug.upvaluejoin(g, 1, k, 1); is(g(), 9)
is(debug.upvalueid(g, 1), debug.upvalueid(k, 1))
local lines, calls = 0, 0; debug.sethook(function(ev) if ev == "line" then lines = lines + 1 else calls = calls + 1 end end, "lc")
local x = 1
x = x + 1; g()
debug.sethook(); is(lines >= 2, true); is(calls >= 1, true); is(debug.gethook(), nil); local count = 0
debug.sethook(function() count = count + 1 end, "", 100); for i = 1, 10000 do end; debug.sethook(); is(count > 50, true)
is(debug.traceback("m", 1):match("^m\nstack traceback:\n\t") ~= nil, true); is(debug.traceback({}) ~= nil, true); local mt = {}
is(debug.setmetatable(10, mt), 10); is(debug.getmetatable(1), mt); debug.setmetatable(10, nil); is(debug.getregistry()[2], _G)
is(why(function() debug.sethook(function() error("stopped", 0) end, "", 1000); while true do end end), "stopped"); debug.sethook()
local co = coroutine.create(function(p) local q = p * 2; coroutine.yield(q) end); coroutine.resume(co, 4)
is(select(2, debug.getlocal(co, 1, 2)), 8); is(debug.traceback(co):match("in function") ~= nil, true); local u = io.stdout
is(debug.setuservalue(u, 1), nil)
print("files", n)
