-- SPDX-License-Identifier: MIT
--
-- Tests, checks, and a frame to run them in.
local framepump = require "framepump"

local harness = { failed = 0, tests = {} }

function harness.test(name, run) table.insert(harness.tests, { name = name, run = run }) end

-- The same test in both modes; it gets options for open.
function harness.test_in_both_modes(name, run)
  harness.test(name .. " (frame-locked)", function() run { threaded = false } end)
  harness.test(name .. " (threaded)", function() run { threaded = true } end)
end

function harness.run()
  for _, test in ipairs(harness.tests) do
    local good, problem = xpcall(test.run, debug.traceback)
    harness.failed = harness.failed + (good and 0 or 1)
    print(good and "ok love: " .. test.name or ("FAIL love: %s: %s"):format(test.name, problem))
  end
end

function harness.equal(value, expected)
  if value ~= expected then error(("is %s, expected was %s"):format(tostring(value):sub(1, 200), tostring(expected):sub(1, 200)), 2) end
end

-- Nil, a text in which each of the patterns stands, and, if given, the name of the error.
function harness.refused(patterns, code, value, problem, name)
  if value ~= nil then error("was not refused but gave " .. tostring(value), 2) end
  if type(problem) ~= "string" then error("gave no text", 2) end
  for _, pattern in ipairs(type(patterns) == "table" and patterns or { patterns }) do
    if not problem:find(pattern) then error(("'%s' does not match '%s'"):format(problem, pattern), 2) end
  end
  if code and name ~= code then error(("the error is '%s', expected was '%s'"):format(tostring(name), code), 2) end
end

function harness.frame(net)
  assert(net:tick())
  net:flush()
  assert(net:wait_until(net.clock() + 0.002))
end

-- Frames until `is_done` returns something; that. Gives up after some seconds.
function harness.frames_until(net, is_done, seconds)
  seconds = seconds or 15
  local end_s = net.clock() + seconds
  while net.clock() < end_s do
    harness.frame(net)
    local value = is_done()
    if value then return value end
  end
  error("it did not happen within " .. seconds .. " s", 2)
end

-- Runs a function as a task, to its end.
function harness.as_task(net, run)
  local task = assert(net:spawn(run))
  harness.frames_until(net, function() return task.state ~= "waiting" end, 30)
  if task.state ~= "finished" then error(task.error or task.state, 2) end
end

-- A connected pair: the stream that connected and the one that was accepted.
function harness.pair(net, connect_options, listen_options)
  local listener = assert(net:listen("127.0.0.1", 0, listen_options))
  local near = assert(net:connect("127.0.0.1", listener:port(), connect_options))
  local far
  harness.frames_until(net, function()
    for _, event in ipairs(net:events()) do
      if event.kind == "accepted" then far = event.stream end
    end
    return far and near.connected
  end)
  assert(listener:close())
  return near, far
end

function harness.event(net, kind, seconds)
  return harness.frames_until(net, function()
    for _, event in ipairs(net:events()) do
      if event.kind == kind then return event end
    end
  end, seconds)
end

function harness.open(options) return assert(framepump.open(options)) end

return harness
