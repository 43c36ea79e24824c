-- SPDX-License-Identifier: MIT
--
-- Finding the library. These tests come first: once it is loaded nothing is looked for.
local ffi = require "ffi"
local framepump = require "framepump"
local harness = require "harness"
local test, equal, refused = harness.test, harness.equal, harness.refused

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

test("a library that is not there is refused by its name", function()
  refused({ "library is '/nowhere/lib.so'", "No such file" }, "no library", framepump.open { library = "/nowhere/lib.so" })
  refused("library is 7, allowed is a path", "invalid argument", framepump.open { library = 7 })
end)

test("a file that is no library, or another one, is refused", function()
  local path = write(harness.scratch .. "/libnothing.so", "not a library")
  refused({ "libnothing.so", "cannot be loaded" }, "no library", framepump.open { library = path })
  refused({ "libz.so.1", "no framepump_get_api" }, "no library", framepump.open { library = "libz.so.1" })
end)

test("structs have the sizes that the C compiler gives them", function()
  framepump.open { library = "/nowhere" }  -- declares them
  local sizes = assert(loadfile(harness.scratch .. "/sizes.lua"))()
  local count = 0
  for name, size in pairs(sizes) do
    equal(name .. " " .. ffi.sizeof(name), name .. " " .. size)
    count = count + 1
  end
  assert(count >= 15)
end)

test("FRAMEPUMP_LIBRARY names the library", function()
  local net = assert(framepump.open())
  equal(framepump.VERSION, os.getenv("FRAMEPUMP_VERSION_WANTED"))
  assert(net:close())
end)
