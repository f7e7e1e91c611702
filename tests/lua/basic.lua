-- Reference manual, chapters 6.1 and 6.3: basic functions, modules.
local n = 0
local function is(got, want) n = n + 1; if got ~= want then error(("check %d: %s, not %s"):format(n, got, want), 2) end end
local function why(f, ...) local ok, e = pcall(f, ...); is(ok, false); return e end

is(_VERSION, "Lua 5.4"); is(select(2, "a", "b", "c"), "b"); is(select(-1, "a", "b", "c"), "c"); is(select("#"), 0)
is(select("#", nil, nil), 2); is(why(select, 0):match("out of range") ~= nil, true)
is(tonumber("10"), 10); is(tonumber("  0x1F  "), 31); is(tonumber("1e1"), 10.0); is(tonumber("10", 2), 2); is(tonumber("zZ", 36), 35 * 37)
is(tonumber("-ff", 16), -255); is(tonumber("8", 8), nil)
is(tonumber(""), nil); is(tonumber("1 2"), nil); is(tonumber("0x"), nil); is(tonumber("1e"), nil); is(tonumber({} and nil), nil)
is(tonumber("nan"), nil); is(tonumber("inf"), nil); is(tonumber("0x1p-2"), 0.25)
is(why(tonumber), "bad argument #1 to 'tonumber' (value expected)"); is(why(tonumber, "1", 99):match("base out of range") ~= nil, true)
is(math.type(tonumber("9223372036854775807")), "integer"); is(math.type(tonumber("9223372036854775808")), "float")
is(tostring(nil), "nil"); is(tostring(1.0), "1.0"); is(tostring(-0.0), "-0.0"); is(tostring(1e100), "1e+100"); is(tostring(true), "true")
is(tostring(math.mininteger), "-9223372036854775808"); is(tostring(0.1), "0.1"); is(tostring(1/0), "inf")
is(rawget({5}, 1), 5); is(rawset({}, 1, 2)[1], 2); is(rawlen({1, 2}), 2); is(rawlen("abc"), 3); is(rawequal("a", "a"), true)
is(why(rawlen, 5):match("table or string expected") ~= nil, true)
is(why(setmetatable, 1), "bad argument #1 to 'setmetatable' (table expected, got number)"); is(type(next), "function"); is(next({10}), 1)
is(why(ipairs):match("bad argument #1 to .ipairs.") ~= nil, true)
local t = {}; for i = 1, 100 do t[i] = i; t["k" .. i] = i end
local s = 0; for k, v in pairs(t) do s = s + v; t[k] = nil end; is(s, 10100); is(next(t), nil)

-- load
is(load("return 1 + 1")(), 2); local parts = {"return ", "4", "2", nil}; local i = 0; is(load(function() i = i + 1
return parts[i] end)(), 42)
local f, e = load("x =", "=chunk"); is(f, nil); is(e, "chunk:1: unexpected symbol near <eof>"); f, e = load("x = = 1", "@file.lua")
is(e, "file.lua:1: unexpected symbol near '='")
f, e = load("x = }", "a line\nand more"); is(e:sub(1, 19), '[string "a line..."'); is(load("return ...", "c", "t", {})(7), 7)
local env = {}; load("y = 5", "c", "t", env)(); is(env.y, 5); is(y, nil)
is(select(2, load("return 1", "c", "b")), "attempt to load a text chunk (mode is 'b')")
local bin = string.dump(load("local a, b = ...; return a * b, 'str', 1.5, nil, true"), true)
is(bin:sub(1, 4), "\27Lua"); is(load(bin, "b", "b")(6, 7), 42)
is(select(2, load(bin, "c", "t")), "attempt to load a binary chunk (mode is 't')"); is(select("#", load(bin)(1, 1)), 5)
is(select(2, load(bin:sub(1, 20))) ~= nil, true); is(why(load, {}):match("function expected") ~= nil, true)
f, e = load(function() return {} end); is(f, nil); is(e:match("reader function must return a string") ~= nil, true)
local function upvalues() return t, i end; local copy = load(string.dump(upvalues)); is(debug.getinfo(copy).nups, 2)

-- nested and large
local long = "return " .. ("("):rep(150) .. "1" .. (")"):rep(150); is(load(long)(), 1)
is(load("return " .. ("("):rep(300) .. "1" .. (")"):rep(300)), nil)
local many = {}; for k = 1, 250 do many[k] = "local v" .. k .. " = " .. k end
is(select(2, load(table.concat(many, "\n"))):find("too many local variables", 1, true) ~= nil, true)
local big = {}; for k = 1, 70000 do big[k] = k .. "," end; local list = load("return {" .. table.concat(big) .. "}")(); is(#list, 70000)
is(list[66000], 66000)
is(#load("return '" .. ("x"):rep(100000) .. "'")(), 100000); is(select("#", table.unpack(list, 1, 200)), 200)
is(why(table.unpack, {}, 1, 1e8):match("too many results to unpack") ~= nil, true)

-- 6.3 modules
is(package.loaded.string, string); is(package.loaded._G, _G); is(type(package.path), "string"); is(package.config:sub(1, 1), "/")
is(require "table", table)
package.preload.mine = function(name, extra) return {name = name, extra = extra} end
local mine, from = require "mine"; is(mine.name, "mine"); is(mine.extra, ":preload:"); is(from, ":preload:"); is(require "mine", mine)
is(package.loaded.mine, mine)
package.preload.none = function() end; is(require "none", true); e = why(require, "no.such")
is(e:match("^module 'no.such' not found:\n\tno field package.preload%['no.such'%]") ~= nil, true)
table.insert(package.searchers, 2, function(name) if name == "virtual" then return function(a, b) return a .. b end, "-here" end return "\n\tnot virtual" end)
is(require "virtual", "virtual-here"); is(why(require, "other"):find("\n\tnot virtual", 1, true) ~= nil, true)
is(package.searchpath("x", "?.none;/?/none"), nil); is(select(2, package.searchpath("a.b", "./?.x")), "no file './a/b.x'")
is(package.loadlib("x", "y"), nil)
print("basic", n)
