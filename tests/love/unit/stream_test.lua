-- SPDX-License-Identifier: MIT
local ffi = require "ffi"
local framepump = require "framepump"
local harness = require "harness"
local test, both, equal, refused = harness.test, harness.test_in_both_modes, harness.equal, harness.refused

both("what is written arrives", function(options)
  local net = harness.open(options)
  local near, far = harness.pair(net)
  equal(near:write("hello"), 5)
  assert(near:write_all("\0binary\255"))
  harness.frames_until(net, function() return far:available() == 13 end)
  equal(#net:readable(), 1)
  equal(net:readable()[1], far)
  equal(far:read(5), "hello")
  equal(far:read(), "\0binary\255")
  equal(far:read(), "")
  assert(net:close())
end)

test("bytes are taken from strings, LÖVE's Data, and pointers with a size", function()
  local net = harness.open()
  local near, far = harness.pair(net)
  equal(near:write("string "), 7)
  equal(near:write(love.data.newByteData("data ")), 5)
  local room = ffi.new("uint8_t[8]", 112, 111, 105, 110, 116, 101, 114)
  equal(near:write(room, 7), 7)
  refused("write: size is nil", "invalid argument", near:write(room))
  refused("write: bytes are table", "invalid argument", near:write({}))
  refused("write_all: bytes are nil", "invalid argument", near:write_all(nil))
  refused("null", "invalid argument", near:write(ffi.cast("void*", nil), 3))
  harness.frames_until(net, function() return far:available() == 19 end)
  equal(far:read(), "string data pointer")
  assert(net:close())
end)

both("front, peek and consume show the bytes that read gives", function(options)
  local net = harness.open(options)
  local near, far = harness.pair(net)
  refused("not that many bytes", "not yet", far:front())
  refused("not that many bytes", "not yet", far:peek(1))
  assert(near:write_all("0123456789"))
  harness.frames_until(net, function() return far:available() == 10 end)
  local view, size = far:front()
  equal(ffi.string(view, size), "0123456789")
  equal(ffi.string(far:peek(4), 4), "0123")
  equal(far:peek_string(4), "0123")
  refused("not that many bytes", "not yet", far:peek(11))
  refused({ "size_bytes is 11", "at most 10" }, "invalid argument", far:consume(11))
  refused({ "peek: size_bytes is 0" }, "invalid argument", far:peek(0))
  refused({ "peek: size is 1.5" }, "invalid argument", far:peek(1.5))
  assert(far:consume(4))
  equal(far:read(3), "456")
  equal(far:available(), 3)
  assert(near:close())
  local event = harness.event(net, "closed")
  equal(event.kind, "closed")
  equal(far:read(), "789")
  assert(net:close())
end)

-- Byte n of a repeating pattern whose length, a prime, fits no block.
local PERIOD = 65521
local function pattern_of_bytes()
  local pattern = ffi.new("uint8_t[?]", 2 * PERIOD)
  local state = 1
  for n = 0, PERIOD - 1 do
    state = (state * 16807) % 2147483647
    pattern[n], pattern[n + PERIOD] = state % 256, state % 256
  end
  return pattern
end

test("64 MiB arrive in order and unharmed while the mode switches", function()
  local net = harness.open { slice_us = 500 }
  local near, far = harness.pair(net)
  local pattern, total = pattern_of_bytes(), 64 * 1024 * 1024
  local sent, received, frames, switches, wrong = 0, 0, 0, 0, 0
  harness.frames_until(net, function()
    frames = frames + 1
    while sent < total do
      local taken = assert(near:write(pattern + sent % PERIOD, math.min(PERIOD, total - sent)))
      if taken == 0 then break end
      sent = sent + taken
    end
    local view, size = far:front()
    while view do
      for n = 0, size - 1 do
        if view[n] ~= pattern[(received + n) % PERIOD] then wrong = wrong + 1 end
      end
      received = received + size
      assert(far:consume(size))
      view, size = far:front()
    end
    for _, event in ipairs(net:events()) do
      if event.kind == "mode switched" then
        switches = switches + 1
        equal(event.mode, switches % 2 == 1 and "threaded" or "frame locked")
      end
    end
    if frames % 2 == 0 then assert(net:set_mode(switches % 2 == 0 and "threaded" or "frame locked")) end
    return received == total
  end, 30)
  equal(wrong, 0)
  equal(received, total)
  assert(switches >= 2, "the mode switched " .. switches .. " times")
  equal(net:totals().mode_switches, switches)
  assert(net:close())
end)

both("shutdown_write ends one direction only", function(options)
  local net = harness.open(options)
  local near, far = harness.pair(net, { half_open = true }, { half_open = true })
  assert(near:write_all("question"))
  assert(near:shutdown_write())
  refused("write", "closed", near:write("more"))
  equal(harness.event(net, "peer half closed").stream, far)
  equal(far:read(), "question")
  assert(far:write_all("answer"))
  assert(far:close())
  harness.frames_until(net, function() return near:available() == 6 end)
  equal(near:read(), "answer")
  assert(net:close())
end)

both("abort reaches the other side as a reset", function(options)
  local net = harness.open(options)
  local near, far = harness.pair(net)
  assert(near:abort())
  harness.frames_until(net, function() return far.closed end)
  equal(far.closed, "reset")
  equal(near.closed, "aborted here")
  assert(net:close())
end)

test("a connection that nobody takes ends with a reason", function()
  local net = harness.open()
  local listener = assert(net:listen("127.0.0.1", 0))
  local port = listener:port()
  assert(listener:close())
  local stream = assert(net:connect("127.0.0.1", port))
  local event = harness.event(net, "closed")
  equal(event.stream, stream)
  equal(event.reason, "refused")
  assert(net:close())
end)

test("info, totals and the report are tables with names", function()
  local net = harness.open({ overrun_margin_us = 1000000 })
  local near, far = harness.pair(net, { priority = "bulk" })
  assert(near:write_all("12345"))
  harness.frames_until(net, function() return far:available() == 5 end)
  local info = assert(near:info())
  equal(info.state, "open")
  equal(info.priority, "bulk")
  equal(info.sent_bytes, 5)
  equal(info.peer_address, assert(far:info()).local_address)
  equal(info.is_hot, false)
  assert(near:set_priority("realtime"))
  harness.frame(net)
  equal(near:info().priority, "realtime")
  refused({ "priority is 'urgent'", "bulk, normal, realtime" }, "invalid argument", near:set_priority("urgent"))
  local totals = assert(net:totals())
  equal(totals.streams, 2)
  equal(totals.sent_bytes, 5)
  equal(totals.connects, 1)
  local report = net:report()
  equal(report.mode, "frame locked")
  equal(report.slice_us, 2000)
  equal(report.overrun, false)
  assert(report.tick_us >= 0 and report.memory_used_bytes > 0)
  assert(net:close())
end)

test("live settings change while the network runs, the others are refused", function()
  local net = harness.open { slice_us = 1500, ["pump.quantum_kib"] = 32, no_delay = false, backend = "poll" }
  local config = assert(net:config())
  equal(config.slice_us, 1500)
  equal(config.quantum_kib, 32)
  equal(config.no_delay, false)
  equal(config.backend, "poll")
  assert(net:configure { slice_us = 700, threaded = true })
  harness.frame(net)
  equal(net:config().slice_us, 700)
  equal(net:report().mode, "threaded")
  refused("memory.budget_kib", "needs restart", net:configure { budget_kib = 2048 })
  refused({ "pump.slice_us is 9000000", "0 to 1000000" }, "config", net:configure { slice_us = 9000000 })
  refused({ "no setting 'slice'", "slice_us", "pump.slice_us" }, "config", net:configure { slice = 1 })
  refused("threaded is 1, allowed are true and false", "config", net:configure { threaded = 1 })
  equal(net:config().slice_us, 700)
  assert(net:close())
end)

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

test("a config file is read and watched, and settings beside it go before it", function()
  local path = harness.scratch .. "/framepump.toml"
  write(path, "[pump]\nslice_us = 1111\nquantum_kib = 16\n")
  local net = harness.open { config = path, quantum_kib = 24 }
  equal(net:config().slice_us, 1111)
  equal(net:config().quantum_kib, 24)
  write(path, "[pump]\nslice_us = 1212\nquantum_kib = 16\n")
  assert(harness.event(net, "config reloaded").text:find("slice_us"))
  equal(net:config().slice_us, 1212)
  write(path, "[pump]\nslice_us = -3\n")
  local event = harness.event(net, "config refused")
  assert(event.text:find("slice_us") and event.text:find("allowed"), event.text)
  equal(net:config().slice_us, 1212)
  assert(net:close())
  refused("slice_us", "config", framepump.open { config = path })
  refused({ "nowhere.toml" }, "config", framepump.open { config = "/nowhere.toml" })
  write(path, "")
  refused("memory.budget_kib", "needs restart", framepump.open { config = path, budget_kib = 2048 })
end)

test("fields that a game keeps in a stream are there when it closes", function()
  local net = harness.open()
  local near, far = harness.pair(net)
  far.player = "Ada"
  far = nil
  collectgarbage()
  assert(near:write_all("last words"))
  assert(near:close())
  local stream = harness.event(net, "closed").stream
  for _ = 1, 3 do harness.frame(net) end
  equal(net:readable()[1].player, "Ada")
  equal(net:readable()[1]:read(), "last words")
  harness.frame(net)
  equal(#net:readable(), 0)
  assert(net:close())
end)
