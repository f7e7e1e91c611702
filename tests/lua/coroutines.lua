-- Reference manual, chapters 2.6 and 6.2: coroutines.
local n = 0
local function is(got, want) n = n + 1; if got ~= want then error(("check %d: %s, not %s"):format(n, got, want), 2) end end
local create, resume, yield, status, wrap = coroutine.create, coroutine.resume, coroutine.yield, coroutine.status, coroutine.wrap

local co = create(function(a, b)
  is(a, 1); is(b, 2)
  local c, d = yield(a + b)
  is(c, "x"); is(d, nil)
  return "end", nil, 3
end)
is(status(co), "suspended"); is(select(2, resume(co, 1, 2)), 3); is(select("#", resume(co, "x")), 4); is(status(co), "dead")
is(resume(co), false); is(select(2, resume(co)), "cannot resume dead coroutine")
local gen = wrap(function() for i = 1, 3 do yield(i) end end)
is(gen(), 1); is(gen(), 2); is(gen(), 3); is(gen(), nil); is(pcall(gen), false)
local main, yes = coroutine.running(); is(yes, true); is(status(main), "running"); is(coroutine.isyieldable(), false)
is(pcall(yield), false)
local outer; outer = create(function()
  local inner = create(function() is(status(outer), "normal"); is(coroutine.isyieldable(), true); return (resume(outer)) end)
  is(select(2, resume(inner)), false)
end); is(resume(outer), true)
co = create(function() local x <const> = 1; error({code = 5}) end); local ok, e = resume(co); is(ok, false); is(e.code, 5)
is(status(co), "dead")
is(select(2, pcall(wrap(function() error("w", 0) end))), "w")

-- yields across pcall, metamethods, iterators, sort and gsub's limits
co = wrap(function() local good, v = pcall(function() yield(1); error("mid", 0) end); yield(v); return "after" end); is(co(), 1)
is(co(), "mid"); is(co(), "after")
local m = setmetatable({}, {__add = function(a, b) return yield("add") end, __index = function(_, k) return yield(k) end, __lt = function() return yield("lt") end, __concat = function() return yield("cat") end})
co = wrap(function() return m + 1, m.key, m < m, m .. "" end); is(co(), "add"); is(co(10), "key"); is(co(20), "lt"); is(co(nil), "cat")
local a, b, c, d = co("z"); is(a, 10); is(b, 20); is(c, false); is(d, "z")
co = wrap(function() for k in function(_, k) return yield(k) end do if k == 3 then return "three" end end end); is(co(), nil); is(co(1), 1)
is(co(3), "three")
co = create(function() table.sort({3, 2, 1}, function(x, y) yield() return x < y end) end)
is(select(2, resume(co)), "attempt to yield across a C-call boundary")
co = create(function() return ("a"):gsub("a", function() yield() end) end); is(resume(co), false)
is(select(2, xpcall(wrap(function(v) yield(v) end), print, 9)), 9)

-- close
local closed = {}
local function closing(name) return setmetatable({}, {__close = function() closed[#closed + 1] = name end}) end
co = create(function() local x <close> = closing "x"; local y <close> = closing "y"; yield() end)
resume(co); is(coroutine.close(co), true); is(table.concat(closed), "yx"); is(status(co), "dead"); is(coroutine.close(co), true)
co = create(function() local x <close> = setmetatable({}, {__close = function() error("bad end", 0) end}); yield() end)
resume(co); local good, why = coroutine.close(co); is(good, false); is(why, "bad end")
is(coroutine.close(create(print)), true)
do
  local it = wrap(function() local z <close> = closing "z"; yield(1); yield(2) end)
  for v in it do if v == 1 then break end end
  it = nil; collectgarbage()
end

-- many, and deep
local sum, live = 0, {}
for i = 1, 1000 do live[i] = wrap(function() while true do sum = sum + i; yield() end end) end
for _ = 1, 3 do for i = 1, 1000 do live[i]() end end
is(sum, 3 * 500500)
local function nest(k) if k == 0 then return 0 end return 1 + wrap(nest)(k - 1) end
is(nest(100), 100); is(pcall(nest, 1000), false)
local function primes(limit)
  local function gen() for i = 2, limit do yield(i) end end
  local function filter(p, g) for v in g do if v % p ~= 0 then yield(v) end end end
  local out, g = {}, wrap(gen)
  while true do local p = g(); if not p then break end; out[#out + 1] = p; local from = g; g = wrap(function() filter(p, from) end) end
  return out
end
is(table.concat(primes(60), " "), "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59")
print("coroutines", n)
