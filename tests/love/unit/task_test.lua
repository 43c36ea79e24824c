-- SPDX-License-Identifier: MIT
local harness = require "harness"
local test, both, equal, refused = harness.test, harness.test_in_both_modes, harness.equal, harness.refused

-- A server that answers each line in capitals.
local function serve_lines(net)
  local listener = assert(net:listen("127.0.0.1", 0))
  net:spawn(function()
    while true do
      local stream = listener:accept()
      if not stream then return end
      net:spawn(function()
        for line in function() return stream:read_until("\n") end do
          assert(stream:write_everything(line:upper() .. "\n"))
        end
        stream:close()
      end)
    end
  end)
  return listener
end

both("tasks on both sides talk in lines", function(options)
  local net = harness.open(options)
  local listener = serve_lines(net)
  local finished = 0
  for client = 1, 20 do
    net:spawn(function()
      local stream = assert(net:connect_and_wait("127.0.0.1", listener:port()))
      for n = 1, 10 do
        assert(stream:write_everything(("client %d says %d\n"):format(client, n)))
        equal(stream:read_until("\n"), ("CLIENT %d SAYS %d"):format(client, n))
      end
      assert(stream:close())
      finished = finished + 1
    end)
  end
  harness.frames_until(net, function() return finished == 20 end)
  assert(net:close())
end)

test("a delimiter may come in pieces, and be of several bytes", function()
  local net = harness.open()
  local near, far = harness.pair(net)
  local lines = {}
  local task = net:spawn(function()
    while true do
      local line, problem = far:read_until("\r\n")
      if not line then return end
      lines[#lines + 1] = line
    end
  end)
  for _, piece in ipairs { "one\r", "\ntw\ro\r", "\r", "\n", "\r\nlast\r\nrest" } do
    assert(near:write_all(piece))
    for _ = 1, 3 do harness.frame(net) end
  end
  assert(near:close())
  harness.frames_until(net, function() return task.state == "finished" end)
  equal(table.concat(lines, "|"), "one|tw\ro\r||last")
  assert(net:close())
end)

both("a long line over many blocks is found, a longer one is refused", function(options)
  local net = harness.open(options)
  local near, far = harness.pair(net)
  local long = ("x"):rep(300000)
  net:spawn(function()
    assert(near:write_everything(long .. ";" .. ("y"):rep(65536) .. ";" .. ("z"):rep(65537) .. ";end;"))
  end)
  harness.as_task(net, function()
    equal(far:read_until(";", 300000), long)
    equal(#far:read_until(";"), 65536)
    refused("no delimiter within 65536 bytes", "too large", far:read_until(";"))
    equal(#far:read_exactly(65538), 65538)
    equal(far:read_until(";"), "end")
    refused({ "most is 100000000", "at most 83886" }, "too large", far:read_until(";", 1e8))
    refused("most is %-1", "invalid argument", far:read_until(";", -1))
    refused("delimiter is ''", "invalid argument", far:read_until(""))
    refused("delimiter is nil", "invalid argument", far:read_until())
  end)
  assert(net:close())
end)

both("16 MiB through write_everything and read_exactly", function(options)
  local net = harness.open(options)
  local near, far = harness.pair(net)
  local parts = {}
  for n = 1, 1024 do parts[n] = love.data.hash("sha512", tostring(n)) end
  local bytes = table.concat(parts):rep(256)
  equal(#bytes, 16 * 1024 * 1024)
  local writer = net:spawn(function() assert(near:write_everything(bytes)) end)
  harness.as_task(net, function()
    equal(far:read_exactly(16) , bytes:sub(1, 16))
    equal(far:read_exactly(#bytes - 16) == bytes:sub(17), true)
  end)
  equal(writer.state, "finished")
  assert(net:close())
end)

test("a stream that ends too soon gives what came of it", function()
  local net = harness.open()
  local near, far = harness.pair(net)
  assert(near:write_all("12345"))
  assert(near:close())
  harness.as_task(net, function()
    local value, problem, code, partial = far:read_exactly(8)
    refused({ "5 of 8 bytes", "closed by peer" }, "closed", value, problem, code)
    equal(partial, "12345")
    refused("closed by peer", "closed", far:read_exactly(1))
    refused("closed by peer", "closed", far:read_until("\n"))
    refused("closed", "closed", far:write_everything("x"))
  end)
  assert(net:close())
end)

test("a delimiter that ends beyond the most is not seen", function()
  local net = harness.open()
  local near, far = harness.pair(net)
  assert(near:write_all("abcd\r\nrest"))
  harness.frames_until(net, function() return far:available() == 10 end)
  harness.as_task(net, function()
    refused("no delimiter within 3 bytes", "too large", far:read_until("\r\n", 3))
    equal(far:read_until("\r\n", 4), "abcd")
    equal(far:read(), "rest")
  end)
  assert(net:close())
end)

test("connect_and_wait says why there is no connection", function()
  local net = harness.open()
  local listener = assert(net:listen("127.0.0.1", 0))
  local port = listener:port()
  assert(listener:close())
  harness.as_task(net, function()
    refused("did not connect: refused", "closed", net:connect_and_wait("127.0.0.1", port))
    refused("local host", "address not numeric", net:connect_and_wait("local host", port))
  end)
  assert(net:close())
end)

test("a task that closes a stream ends the wait of another", function()
  local net = harness.open()
  local near = harness.pair(net)
  net:spawn(function()
    net:sleep(0.02)
    near:close()
  end)
  harness.as_task(net, function() refused("closed here", "closed", near:read_exactly(1)) end)
  assert(net:close())
end)

test("a closed listener ends the wait for a stream", function()
  local net = harness.open()
  local listener = assert(net:listen("127.0.0.1", 0))
  local task = net:spawn(function() refused("the listener is closed", "closed", listener:accept()) end)
  harness.frame(net)
  assert(listener:close())
  harness.frame(net)
  equal(task.error or task.state, "finished")
  refused("the listener is closed", "closed", listener:port())
  assert(net:close())
end)

-- Connects `count` plain streams and goes on until all are accepted, but takes the first only.
local function accept_one_of(net, listener, count)
  local clients, first = {}, nil
  net:spawn(function() first = listener:accept() end)
  for n = 1, count do clients[n] = assert(net:connect("127.0.0.1", listener:port())) end
  local accepted = 0
  harness.frames_until(net, function()
    for _, event in ipairs(net:events()) do
      if event.kind == "accepted" then accepted = accepted + 1 end
    end
    return accepted == count and first
  end)
  return clients, first
end

harness.test_in_both_modes("a closed listener closes what accept has not given, and nothing else", function(options)
  local net = harness.open(options)
  local listener = assert(net:listen("127.0.0.1", 0))
  local clients, taken = accept_one_of(net, listener, 4)
  assert(listener:close())
  harness.frames_until(net, function()
    local ended = 0
    for _, client in ipairs(clients) do ended = ended + (client.closed and 1 or 0) end
    return ended == 3
  end)
  assert(taken:write_all("still here"))
  harness.frames_until(net, function()
    for _, client in ipairs(clients) do
      if client:available() == 10 then return true end
    end
  end)
  equal(taken.closed, nil)
  assert(net:close())
end)

test("and what was accepted before the close but is published after it", function()
  local net = harness.open { threaded = false, stall_takeover_ms = 0 }
  local other = harness.open()
  local listener = assert(net:listen("127.0.0.1", 0))
  net:spawn(function() listener:accept() end)
  harness.frame(net)
  local client = assert(other:connect("127.0.0.1", listener:port()))
  harness.frames_until(other, function() return client.connected end)
  local accepts = net:totals().accepts
  -- Accepts and publishes nothing.
  while net:totals().accepts == accepts do assert(net:wait_until(net.clock() + 0.002)) end
  assert(listener:close())
  harness.frames_until(other, function()
    harness.frame(net)
    return client.closed
  end)
  equal(client.closed, "closed by peer")
  assert(net:close())
  assert(other:close())
end)

test("streams that only events told of outlive their listener", function()
  local net = harness.open()
  local near, far = harness.pair(net)
  harness.frame(net)
  assert(near:write_all("x"))
  harness.frames_until(net, function() return far:available() == 1 end)
  assert(net:close())
end)

test("streams that were accepted in the same frame are all there for accept", function()
  local net = harness.open()
  local listener = assert(net:listen("127.0.0.1", 0))
  for _ = 1, 3 do assert(net:connect("127.0.0.1", listener:port())) end
  local count = 0
  harness.frames_until(net, function()
    for _, event in ipairs(net:events()) do
      if event.kind == "accepted" then count = count + 1 end
    end
    return count > 0
  end)
  local taken = 3 - count  -- accept gives those of this tick and later ones
  net:spawn(function()
    while listener:accept() do taken = taken + 1 end
  end)
  harness.frames_until(net, function() return taken == 3 end)
  assert(net:close())
end)

test("sleep before the first tick counts from there", function()
  local net = harness.open()
  local woke_at
  net:spawn(function()
    net:sleep(2)
    woke_at = net.now_s
  end)
  for second = 101, 105 do assert(net:tick(second)) end
  equal(woke_at, 103)
  assert(net:close())
end)

test("sleep and next_frame follow the ticks, whose time may be virtual", function()
  local net = harness.open()
  local frames, woke_at = 0, nil
  net:spawn(function()
    while net:next_frame() do frames = frames + 1 end
  end)
  net:tick(100, 500)
  net:spawn(function()
    net:sleep(2)
    woke_at = net.now_s
  end)
  for second = 101, 105 do assert(net:tick(second)) end
  equal(woke_at, 102)
  equal(frames, 6)
  equal(net.frame, 505)
  refused("seconds are nil", "invalid argument", net:sleep())
  refused("time is 'now'", "invalid argument", net:tick("now"))
  assert(net:close())
end)

test("a task that fails is reported by tick, and the others go on", function()
  local net = harness.open()
  local others = 0
  net:spawn(function()
    while net:next_frame() do others = others + 1 end
  end)
  local failing = net:spawn(function()
    net:next_frame()
    local nothing
    return nothing.field
  end)
  local at_once = net:spawn(function() error("at once") end)
  equal(at_once.state, "failed")
  refused({ "at once", "task_test.lua:%d+: .*nothing", "stack traceback" }, "task failed", net:tick())
  equal(failing.state, "failed")
  assert(failing.error:find("nothing"))
  for _ = 1, 3 do assert(net:tick()) end
  equal(others, 4)
  assert(net:close())
end)

test("closing the network ends the tasks, also from inside of one", function()
  local net = harness.open()
  local near = harness.pair(net)
  local went_on = false
  local waits = {
    net:spawn(function() near:read_exactly(1) went_on = true end),
    net:spawn(function() net:sleep(0) went_on = true end),
    net:spawn(function() net:sleep(1000) went_on = true end),
    net:spawn(function() net:next_frame() went_on = true end),
  }
  assert(net:close())
  refused("the network is gone", "stale handle", net:tick())
  for _, task in ipairs(waits) do equal(task.state, "ended") end
  equal(went_on, false)
  refused("the network is closed", "stale handle", net:spawn(print))

  net = harness.open()
  local after, resumed = false, false
  local closer = net:spawn(function()
    net:next_frame()
    net:close()
    after = true
    net:next_frame()
    resumed = true
  end)
  local other = net:spawn(function()
    net:next_frame()
    resumed = true
  end)
  net:tick()
  equal(after, true)
  equal(resumed, false)
  equal(closer.state, "ended")
  equal(other.state, "ended")
end)

test("waiting is for tasks only", function()
  local net = harness.open()
  local near = harness.pair(net)
  local listener = assert(net:listen("127.0.0.1", 0))
  for name, call in pairs {
    read_exactly = function() return near:read_exactly(1) end,
    read_until = function() return near:read_until("\n") end,
    write_everything = function() return near:write_everything("x") end,
    wait_connected = function() return near:wait_connected() end,
    accept = function() return listener:accept() end,
    connect_and_wait = function() return net:connect_and_wait("127.0.0.1", 1) end,
    next_frame = function() return net:next_frame() end,
    sleep = function() return net:sleep(1) end,
  } do
    refused({ "^" .. name, "given to spawn" }, "invalid argument", call())
    local inner_problem
    net:spawn(function()
      coroutine.wrap(function() inner_problem = select(2, call()) end)()
    end)
    assert(inner_problem:find("given to spawn"))
  end
  refused("a nil, allowed is a function", "invalid argument", net:spawn())
  local inside
  net:spawn(function() inside = { net:tick() } end)
  refused("inside a task", "overlapping call", unpack(inside, 1, 3))
  assert(net:close())
end)

test("a yield of the game's own waits for the next frame", function()
  local net = harness.open()
  local steps = 0
  net:spawn(function()
    for _ = 1, 3 do
      coroutine.yield()
      steps = steps + 1
    end
  end)
  for n = 1, 5 do
    assert(net:tick())
    equal(steps, math.min(n, 3))
  end
  assert(net:close())
end)
