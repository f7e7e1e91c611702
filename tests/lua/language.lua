-- Reference manual, chapters 2.1, 2.2 and 3: values, the lexer, statements, expressions.
local n = 0
local function is(got, want) n = n + 1; if got ~= want then error(("check %d: %s, not %s"):format(n, got, want), 2) end end
local function fails(text, say)
  local f, why = load(text)
  is(f, nil); if not why:find(say, 1, true) then error(why, 2) end
end

-- 2.1 types
for want, v in pairs{["boolean"] = true, ["number"] = 1, ["string"] = "", ["table"] = {}, ["function"] = print, ["thread"] = coroutine.create(print)} do
  is(type(v), want)
end
is(type(nil), "nil"); is(type(io.stdout), "userdata")
is(math.type(3), "integer"); is(math.type(3.0), "float"); is(3 == 3.0, true); is(math.type("3"), nil)
-- 2.2 environments
do
  local _ENV = {is = is}
  x = 5
  is(_ENV.x, 5)
end
is(x, nil); is(_G._G, _G); is(rawget(_G, "_ENV"), nil)

-- 3.1 lexical conventions
is("a\
b", "a\nb"); is('\65\066\x43\u{44}\z
     E', "ABCDE"); is([[
first line break is skipped]], "first line break is skipped"); is([==[ ]] ]=] ]==], " ]] ]=] ")
is("\a\b\f\v\\\"\'", "\7\8\12\11\92\34\39"); is(#"\0a\0", 3); is("\u{7FFFFFFF}", "\xFD\xBF\xBF\xBF\xBF\xBF")
is(0xA, 10); is(0x.1p4, 1.0); is(0Xa.8P0, 10.5); is(3e-2, .03); is(0xffffffffffffffff, -1); is(9223372036854775808, 2^63)
is(1//1 | 0x10, 17)
fails("x = '\\400'", "decimal escape too large"); fails("x = '\\u{80000000}'", "UTF-8 value too large")
fails("x = 'a\nb'", "unfinished string")
fails("x = 3x", "malformed number"); fails("--[[", "unfinished long comment"); fails("goto = 1", "<name> expected")
--[==[ a comment
]] of many lines ]==]

-- 3.3 statements
do
  local i, t = 1, {}
  i, t[i] = i + 1, 20
  is(t[1], 20); is(t[2], nil); is(i, 2)
  local a, b, c = (function() return 1, 2, 3 end)()
  is(a + b + c, 6)
  a, b = b, a
  is(a, 2); is(b, 1)
  local d, e = ((function() return 1, 2 end)())
  is(d, 1); is(e, nil)
end
do
  local seen = {}
  for i = 1, 3 do
    for j = 1, 3 do
      if j == 2 then goto continue end
      seen[#seen + 1] = i * 10 + j
      ::continue::
    end
  end
  is(table.concat(seen, " "), "11 13 21 23 31 33")
  local k = 0
  ::top::
  k = k + 1
  if k < 5 then goto top end
  is(k, 5)
end
fails("goto nowhere", "no visible label 'nowhere'"); fails("break", "break outside loop"); fails("::a:: ::a::", "label 'a' already defined")
fails("do goto l; local a; ::l:: print(a) end", "jumps into the scope of local 'a'")
do
  local s = 0
  for i = math.maxinteger - 1, math.maxinteger do s = s + 1 end
  is(s, 2)
  for i = 3, 1 do s = s + 1 end
  for i = 1, 0, -1 do s = s + 10 end
  is(s, 22)
  for x = 1.0, 2, 0.25 do s = s + x end
  is(s, 29.5)
  is(pcall(function() for i = 1, 10, 0 do end end), false)
  local r = {}
  for k, v in next, {a = 1} do r[k] = v end
  is(r.a, 1)
  local i = 0
  repeat local last = i; i = i + 1 until last == 3
  is(i, 4)
  while true do i = i + 1; if i > 9 then break end end
  is(i, 10)
end
do -- 3.3.8 variables to be closed
  local order = {}
  local function closing(name) return setmetatable({}, {__close = function(_, e) order[#order + 1] = name .. tostring(e) end}) end
  do
    local a <close> = closing "a"
    local b <const> = 7
    local c <close> = closing "c"
    local none <close> = nil
    is(b, 7)
  end
  is(table.concat(order, " "), "cnil anil")
  pcall(function() local d <close> = closing "d"; error("gone", 0) end)
  is(order[3], "dgone")
  for _ in (function() return nil end), nil, nil, closing "loop" do end
  is(order[4], "loopnil")
  local function f() local e <close> = closing "e"; return 1, 2 end
  is(select("#", f()), 2); is(order[5], "enil")
  is(select(2, pcall(function() local z <close> = 42 end)):match("variable 'z' got a non%-closable value") ~= nil, true)
end
fails("local a <const> = 1; a = 2", "attempt to assign to const variable 'a'"); fails("local a <odd> = 1", "unknown attribute 'odd'")

-- 3.4 expressions
is(7 // 2, 3); is(-7 // 2, -4); is(7 // -2.0, -4.0); is(-7 % 3, 2); is(7 % -3, -2); is(-6 % 3.5, 1.0); is(5.5 // 1, 5.0); is(7 / 2, 3.5)
is(2 ^ 10, 1024.0); is(2 ^ -1, 0.5); is(-2 ^ 2, -4.0); is(2 ^ 3 ^ 2, 512.0); is(math.maxinteger + 1, math.mininteger)
is(math.mininteger // -1, math.mininteger)
is(1 / 0, math.huge); is(-1 / 0, -math.huge); is(0 / 0 ~= 0 / 0, true); is(math.mininteger % -1, 0); is(5 % math.huge, 5.0)
is(-5 % math.huge, math.huge)
is(pcall(function() return 1 // 0 end), false); is(pcall(function() return 1 % 0 end), false); is(1 // 0.0, math.huge)
is(0xF0 & 0x3C, 0x30); is(0xF0 | 0x0F, 0xFF); is(0xF0 ~ 0xFF, 0x0F); is(~0, -1); is(1 << 63, math.mininteger); is(1 << 64, 0)
is(-1 >> 1, math.maxinteger)
is(1 << -1, 0); is(2 >> -1, 4); is(2.0 | 1, 3); is(pcall(function() return 1.5 | 0 end), false)
is(pcall(function() return "3" | 0 end), false)
is("10" + 5, 15); is("0x10" + 0, 16); is("3.0" + 1, 4.0); is(10 .. 20, "1020"); is(-0.0 .. "", "-0.0")
is(2^53 .. "", "9.007199254741e+15"); is(1e15 .. "", "1e+15")
is(1 < 2, true); is("a" < "b", true); is("a" < "B", false); is("" < "a", true); is("a\0a" < "a\0b", true); is(1 < 1.5, true)
is(2^53 == (1 << 53) + 1, false)
is(math.maxinteger < 2^63, true); is(math.maxinteger + 0.0 == 2^63, true); is(math.maxinteger == 2^63, false); is(1 == "1", false)
is(pcall(function() return 1 < "2" end), false); is(pcall(function() return {} < {} end), false)
is(nil and 1, nil); is(false or nil, nil); is(false and error(), false); is(1 or error(), 1); is(nil == false, false); is(not nil, true)
is(not 0, false)
is("a" .. "b" == "ab" and 1 + 2 < 4, true); is(2 * 3 + 4 * -5 .. "", "-14"); is(not 1 == 2, false); is(1 .. 2 == "12", true)
is(5 - 3 - 1, 1); is("a" .. "b" .. "c", "abc")
is(#"abc", 3); is(#{1, 2, 3}, 3); is(#{n = 1}, 0); is(-"2", -2); is(- -2, 2)
do
  local t = {10, 20, x = 1, ["y z"] = 2, [30] = 3, 30; (function() return 40, 50 end)()}
  is(#t, 5); is(t[5], 50); is(t["y z"], 2); is(t[30], 3)
  local function f(...) return {...}, select("#", ...), ... end
  local list, count, first = f(nil, nil)
  is(count, 2); is(first, nil); is(#list, 0)
  is(#{f()}, 2); is(#{(f())}, 1); is((select("#", f(1, 2, 3))), 5)
  local o = {v = 3}
  function o:get(k) return self.v + (k or 0) end
  function o.plain(k) return k end
  is(o:get(4), 7); is(o:get(), 3); is(o.plain "s", "s"); is(o.plain{1}[1], 1); is(("x"):rep(3), "xxx")
end
do -- 3.4.11, 3.5: closures and scope
  local a = {}
  for i = 1, 3 do a[i] = function() i = i + 1; return i end end
  is(a[1](), 2); is(a[1](), 3); is(a[2](), 3)
  local x = 10
  do local x = x; x = x + 1; is(x, 11) end
  is(x, 10)
  local function fact(k) return k < 2 and 1 or k * fact(k - 1) end
  is(fact(20), 2432902008176640000)
  local function tail(k) if k == 0 then return "done" end return tail(k - 1) end
  is(tail(100000), "done")
  local function deep(k) return k == 0 and 0 or 1 + deep(k - 1) end
  is(deep(10000), 10000)
  is(select(2, pcall(function() local function f() local a, b, c, d, e, g, h, i, j, k; return 1 + f() end return f() end)):match("stack overflow"), "stack overflow")
end
print("language", n)
