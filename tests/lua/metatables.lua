-- Reference manual, chapters 2.3 to 2.5: errors, metatables, garbage collection.
local n = 0
local function is(got, want) n = n + 1; if got ~= want then error(("check %d: %s, not %s"):format(n, got, want), 2) end end
local function why(f, ...) local ok, e = pcall(f, ...); is(ok, false); return e end

-- 2.3 error handling
is(why(error, "text", 0), "text"); is(why(error), nil); local thing = {}; is(why(error, thing), thing)
is(why(function() error("here") end):match("^.-:%d+: here$") ~= nil, true); is(why(function() error("up", 2) end):match("up$"), "up")
is(why(function() local t = nil; t.x = 1 end):match("attempt to index a nil value %(local 't'%)") ~= nil, true)
is(why(function() return undefined.x end):match("global 'undefined'") ~= nil, true)
is(why(function() return ("x")() end):match("call a string value") ~= nil, true)
is(why(function() return {} + 1 end):match("perform arithmetic on a table value") ~= nil, true)
is(why(function() return #5 end):match("get length of a number") ~= nil, true)
is(why(function() return {} .. "" end):match("concatenate a table value") ~= nil, true)
is(why(function() return 2^63 | 0 end):match("number has no integer representation") ~= nil, true)
is(why(function() local t = {}; t[nil] = 1 end):match("index is nil") ~= nil, true); is(why(function() local t = {}
t[0/0] = 1 end):match("index is NaN") ~= nil, true)
is(select("#", pcall(function() return 1, nil, nil end)), 4)
do
  local ok, got = xpcall(function(a, b) error(a .. b, 0) end, function(m) return m:upper() end, "x", "y")
  is(ok, false); is(got, "XY")
  is(select(2, xpcall(function() return 5 end, print)), 5)
  local _, trace = xpcall(function() error "t" end, debug.traceback)
  is(trace:find("stack traceback:", 1, true) ~= nil, true)
  is(select(2, xpcall(error, function() error "again" end)) ~= nil, true)
end
is(assert(1, 2), 1); is(why(assert, false), "assertion failed!"); is(why(assert, nil, "m"), "m"); is(why(assert, false, thing), thing)

-- 2.4 metatables
local log
local function op(name) return function(a, b) log = name
return name .. (type(a) == "table" and "L" or tostring(a)) .. (type(b) == "table" and "R" or tostring(b)) end end
local mt = {__add = op "add", __sub = op "sub", __mul = op "mul", __div = op "div", __mod = op "mod", __pow = op "pow", __unm = op "unm", __idiv = op "idiv",
  __band = op "band", __bor = op "bor", __bxor = op "bxor", __shl = op "shl", __shr = op "shr", __bnot = op "bnot", __concat = op "concat"}
local v = setmetatable({}, mt)
is(v + 1, "addL1"); is(1 + v, "add1R"); is(v - v, "subLR"); is(v * 2, "mulL2"); is(v / 2, "divL2"); is(v % 2, "modL2"); is(v ^ 2, "powL2")
is(-v, "unmLR"); is(v // 2, "idivL2")
is(v & 1, "bandL1"); is(1.5 | v, "bor1.5R"); is(v ~ 1, "bxorL1"); is(v << 1, "shlL1"); is(v >> 1, "shrL1"); is(~v, "bnotLR")
is(v .. "s", "concatLs"); is("s" .. v, "concatsR"); is(1 .. v, "concat1R")
mt.__len = function() return 42 end; mt.__call = function(self, ...) return select("#", ...), ... end
is(#v, 42); is(rawlen(v), 0); is(select("#", v(1, nil, 3)), 4)
mt.__eq = function() log = "eq"; return true end
local w = setmetatable({}, mt)
log = nil; is(v == w, true); is(log, "eq"); log = nil; is(v == v, true); is(log, nil); is(v == 1, false); is(rawequal(v, w), false)
mt.__lt = function(a, b) log = "lt"; return "yes" end; mt.__le = function() log = "le"; return nil end
is(v < w, true); is(log, "lt"); is(v <= 1, false); is(1 > v, true); is(1 >= v, false); is(log, "le")
local base = {greet = "hi"}
local d = setmetatable({}, {__index = base, __newindex = function(t, k, val) rawset(t, k, val * 2) end})
is(d.greet, "hi"); is(rawget(d, "greet"), nil); d.x = 4; is(d.x, 8); d.x = 1; is(d.x, 1)
local f = setmetatable({}, {__index = function(_, k) return k .. "!" end, __newindex = base})
is(f.a, "a!"); f.b = 7; is(base.b, 7); is(rawget(f, "b"), nil)
local chain = setmetatable({}, {__index = setmetatable({}, {__index = setmetatable({}, {__index = {deep = 1}})})})
is(chain.deep, 1); is(why(function() local a = {}; setmetatable(a, {__index = function(t, k) return t[k] end})
return a.x end):match("overflow") ~= nil, true)
is(tostring(setmetatable({}, {__tostring = function() return "me" end})), "me")
is(tostring(setmetatable({}, {__name = "Thing"})):match("^Thing: ") ~= nil, true)
is(why(tostring, setmetatable({}, {__tostring = function() return {} end})), "'__tostring' must return a string")
local p = setmetatable({}, {__metatable = "locked"})
is(getmetatable(p), "locked"); is(why(setmetatable, p, {}), "cannot change a protected metatable"); is(getmetatable("").__index, string)
is(getmetatable(1), nil)
local seen = {}
for k, val in pairs(setmetatable({}, {__pairs = function() return function(_, k) if not k then return 1, 2 end end, nil, nil end})) do seen[k] = val end
is(seen[1], 2)
local list = {}
for i, val in ipairs(setmetatable({1}, {__index = function(_, k) if k < 4 then return k * 10 end end})) do list[i] = val end
is(table.concat(list, ","), "1,20,30")
is(next({}), nil); is(why(next, {}, "none"):match("invalid key to 'next'") ~= nil, true)

-- 2.5 garbage collection
local weak = setmetatable({}, {__mode = "v"}); weak[1] = {}; weak[2] = "kept"; weak.held = base
collectgarbage(); is(weak[1], nil); is(weak[2], "kept"); is(weak.held, base)
local keys = setmetatable({}, {__mode = "k"}); keys[{}] = 1; keys[base] = 2
do local e = {}; keys[e] = {e}; e = nil end -- an ephemeron
collectgarbage(); local c = 0; for _ in pairs(keys) do c = c + 1 end; is(c, 1)
local ended = {}
for i = 1, 3 do setmetatable({i}, {__gc = function(o) ended[#ended + 1] = o[1] end}) end
collectgarbage(); is(#ended, 3); is(ended[1], 3)
local back; setmetatable({}, {__gc = function(o) back = o end}); collectgarbage(); is(type(back), "table")
setmetatable({}, {__gc = function() error("only a warning") end}); collectgarbage()
is(collectgarbage("isrunning"), true); collectgarbage("stop"); is(collectgarbage("isrunning"), false); collectgarbage("restart")
collectgarbage("incremental"); is(collectgarbage("generational"), "incremental"); for i = 1, 2000 do local t = {i, {i}} end
is(collectgarbage("incremental", 200, 100, 13), "generational")
is(math.type(collectgarbage("count")), "float"); is(type(collectgarbage("step", 100)), "boolean")
is(why(collectgarbage, "odd"):match("invalid option") ~= nil, true)
local before = collectgarbage("count")
do local big = {}; for i = 1, 10000 do big[i] = {i} end; is(collectgarbage("count") > before + 500, true) end
collectgarbage(); collectgarbage(); is(collectgarbage("count") < before + 100, true)
print("metatables", n)
