-- Reference manual, chapters 6.5 to 6.7: UTF-8, tables, mathematics.
local n = 0
local function is(got, want) n = n + 1; if got ~= want then error(("check %d: %s, not %s"):format(n, got, want), 2) end end
local function why(f, ...) local ok, e = pcall(f, ...); is(ok, false); return e end
local function near(got, want) is(math.abs(got - want) < 1e-12 * math.max(1, math.abs(want)), true) end

-- 6.5
local text = "aé€😀"
is(utf8.len(text), 4); is(utf8.char(97, 233, 8364, 128512), text); is(utf8.char(), ""); is(utf8.codepoint(text, 2), 233)
is(select("#", utf8.codepoint(text, 1, -1)), 4); is(utf8.offset(text, 3), 4); is(utf8.offset(text, -1), 7); is(utf8.offset(text, 0, 5), 4)
local got = {}; for p, c in utf8.codes(text) do got[#got + 1] = p .. ":" .. c end; is(table.concat(got, " "), "1:97 2:233 4:8364 7:128512")
local l, at = utf8.len("ab\xff"); is(l, nil); is(at, 3); is(utf8.len("\u{7FFFFFFF}"), nil); is(utf8.len("\u{7FFFFFFF}", 1, -1, true), 1)
is(why(utf8.codepoint, "\xff"):match("invalid UTF%-8 code") ~= nil, true); is(utf8.len("\xed\xa0\x80"), nil); is(utf8.len("\xc0\x80"), nil)
is(why(function() for _ in utf8.codes("a\xff") do end end):match("invalid UTF%-8 code") ~= nil, true)
is(("é"):match(utf8.charpattern), "é"); is(utf8.len("", 1), 0); is(utf8.offset("abc", 5), nil)

-- 6.6
local t = {1, 2, 3}; table.insert(t, 4); table.insert(t, 1, 0); is(table.concat(t, ","), "0,1,2,3,4"); is(table.remove(t), 4)
is(table.remove(t, 1), 0); is(#t, 3); is(table.remove({}), nil)
is(why(table.insert, t, 9, 1):match("position out of bounds") ~= nil, true)
is(why(table.insert, t):match("wrong number of arguments") ~= nil, true)
is(table.concat({}), ""); is(table.concat({1, "b", 2.5}, "-"), "1-b-2.5"); is(table.concat({1, 2, 3}, ",", 2, 3), "2,3")
is(why(table.concat, {{}}):match("invalid value") ~= nil, true); is(table.concat({1}, ",", 2), "")
is(select("#", table.unpack({1, nil, 3}, 1, 3)), 3); is(table.pack(1, nil).n, 2); is((table.unpack({1, 2}, 2)), 2)
is(select("#", table.unpack({}, 1, 0)), 0)
is(table.concat(table.move({1, 2, 3}, 1, 3, 2), ","), "1,1,2,3"); is(table.concat(table.move({1, 2, 3}, 2, 3, 1), ","), "2,3,3")
is(table.concat(table.move({1, 2}, 1, 2, 1, {9, 9, 9}), ","), "1,2,9"); is(why(table.move, {}, 1, math.maxinteger, 2) ~= nil, true)
local words = {"pear", "fig", "apple", "kiwi"}; table.sort(words); is(table.concat(words, " "), "apple fig kiwi pear")
table.sort(words, function(a, b) return #a < #b or #a == #b and a > b end); is(table.concat(words, " "), "fig pear kiwi apple")
local x, big = 42, {}; for i = 1, 5000 do x = (x * 1103515245 + 12345) % 2147483648; big[i] = x end; table.sort(big)
for i = 2, #big do if big[i - 1] > big[i] then error "order" end end; table.sort(big, function(a, b) return a > b end)
is(big[1] >= big[5000], true)
is(why(table.sort, {1, "a"}):match("attempt to compare") ~= nil, true)
is(why(table.sort, {3, 1, 2, 5, 4, 9, 8, 7}, function() return true end) ~= nil, true)
local proxy = setmetatable({}, {__index = function(_, i) return i <= 3 and i * 2 or nil end, __len = function() return 3 end})
is(table.concat(proxy, " "), "2 4 6"); is(#table.pack(table.unpack(proxy)), 3)
local h = {}; for i = 1, 1000 do h[i * 7919 % 1009] = i; h["s" .. i] = i; h[i + 0.5] = i end; local c = 0
for _ in pairs(h) do c = c + 1 end; is(c, 3000); for i = 1, 1000 do h["s" .. i] = nil end; c = 0; for _ in pairs(h) do c = c + 1 end
is(c, 2000); is(h[3.5], 3); h[2^53] = "f"; is(h[1 << 53], "f")

-- 6.7
is(math.abs(-5), 5); is(math.abs(math.mininteger), math.mininteger); is(math.ceil(1.2), 2); is(math.floor(-1.2), -2)
is(math.ceil(1e300), 1e300); is(math.fmod(-5, 3), -2); is(math.fmod(5.5, -2), 1.5); is(why(math.fmod, 1, 0):match("zero") ~= nil, true)
is(math.max(1, 2.5, -1), 2.5); is(math.min(3, 1, 2), 1); is(math.modf(3.7), 3.0); is(select(2, math.modf(-3.5)), -0.5)
is(math.modf(1/0), 1/0)
is(math.tointeger(3.0), 3); is(math.tointeger(3.5), nil); is(math.tointeger("x"), nil); is(math.ult(1, -1), true)
is(math.ult(-1, 1), false); is(math.type(1 // 1), "integer"); is(math.maxinteger, 9223372036854775807)
is(math.huge > math.maxinteger, true); is(math.pi, 3.141592653589793)
near(math.sin(1), 0.8414709848078965); near(math.cos(1), 0.5403023058681398); near(math.tan(1), 1.5574077246549023)
near(math.asin(1), math.pi / 2); near(math.acos(0), math.pi / 2); near(math.atan(1), math.pi / 4)
near(math.atan(-1, -1), -3 * math.pi / 4); near(math.exp(1), 2.718281828459045); near(math.log(10), 2.302585092994046)
is(math.log(8, 2), 3.0); is(math.log(1000, 10), math.log(1000, 10)); near(math.log(27, 3), 3); is(math.sqrt(16), 4.0)
near(math.sqrt(2), 1.4142135623730951); near(math.deg(math.pi), 180); near(math.rad(180), math.pi); is(math.sin(0), 0.0)
is(math.exp(-1000), 0.0); is(math.log(0), -math.huge); is(math.sqrt(-1) ~= math.sqrt(-1), true)
near(math.sin(1e10) ^ 2 + math.cos(1e10) ^ 2, 1); near(math.sin(100), -0.5063656411097588); near(math.exp(0.5) ^ 2, math.exp(1))
near(10 ^ 0.5, math.sqrt(10))
math.randomseed(7); local a, b = math.random(), math.random(1 << 40); math.randomseed(7); is(math.random(), a); is(math.random(1 << 40), b)
for _ = 1, 1000 do local r = math.random(3, 5); if r < 3 or r > 5 or math.type(r) ~= "integer" then error "range" end; r = math.random()
if r < 0 or r >= 1 then error "unit" end end
is(math.random(5, 5), 5); is(why(math.random, 2, 1):match("interval is empty") ~= nil, true); is(math.type(math.random(0)), "integer")
is(math.random(math.mininteger, math.maxinteger) ~= nil, true)
local low, sum = 0, 0; for _ = 1, 10000 do local r = math.random(10); sum = sum + r; if r <= 5 then low = low + 1 end end
is(low > 4700 and low < 5300, true); is(sum > 53500 and sum < 56500, true)
print("tables", n)
