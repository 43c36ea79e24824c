-- SPDX-License-Identifier: MIT
--
-- The binding's tests, run by LÖVE without a window: love tests/love/unit SCRATCH_FOLDER [TEST_FILE...]. Prints `ok NAME` or
-- `FAIL NAME: why` for each.
io.stdout:setvbuf("line")
local harness = require "harness"

local all = { "library_test", "stream_test", "task_test", "datagram_test", "error_test", "demo_test" }

function love.load(arguments)
  harness.scratch = assert(arguments[1], "usage: love tests/love/unit SCRATCH_FOLDER [TEST_FILE...]")
  local wanted = #arguments > 1 and { unpack(arguments, 2) } or all
  for _, name in ipairs(wanted) do require(name) end
  harness.run()
  -- A network that nobody closes must not keep LÖVE from ending, nor its threads run on without it.
  KEPT = require("framepump").open { threaded = true }
  love.event.quit(harness.failed == 0 and 0 or 1)
end
