-- SPDX-License-Identifier: MIT
--
-- The bytes of an update, made from its seed as demo/protocol/update_bytes.cpp makes them, to compare with what arrives: a table of
-- pseudo-random words (splitmix64) that repeats with a new mask each time round.
local ffi = require "ffi"
local bit = require "bit"

ffi.cdef [[ int framepump_demo_memcmp(const void* a, const void* b, size_t size) __asm__("memcmp"); ]]

local TABLE_WORDS = 32 * 1024
local ROUND_BYTES = TABLE_WORDS * 8
local GOLDEN = 0x9e3779b97f4a7c15ULL

local function mix(x)
  x = x + GOLDEN
  x = bit.bxor(x, bit.rshift(x, 30)) * 0xbf58476d1ce4e5b9ULL
  x = bit.bxor(x, bit.rshift(x, 27)) * 0x94d049bb133111ebULL
  return bit.bxor(x, bit.rshift(x, 31))
end

local Bytes = {}
Bytes.__index = Bytes

function Bytes.new(seed)
  seed = ffi.cast("uint64_t", seed)
  local words = ffi.new("uint64_t[?]", TABLE_WORDS)
  for n = 0, TABLE_WORDS - 1 do words[n] = mix(seed + n * GOLDEN) end
  return setmetatable({ seed = seed, words = words, round_words = ffi.new("uint64_t[?]", TABLE_WORDS) }, Bytes)
end

function Bytes:begin_round(round)
  if round == self.round then return end
  local mask, words, out = mix(bit.bxor(self.seed, ffi.cast("uint64_t", round))), self.words, self.round_words
  for n = 0, TABLE_WORDS - 1 do out[n] = bit.bxor(words[n], mask) end
  self.round = round
end

-- Whether the `size` bytes at `view` are those from `offset` on.
function Bytes:are(view, offset, size)
  while size > 0 do
    local round, skip = math.floor(offset / ROUND_BYTES), offset % ROUND_BYTES
    local step = math.min(size, ROUND_BYTES - skip)
    self:begin_round(round)
    if ffi.C.framepump_demo_memcmp(view, ffi.cast("uint8_t*", self.round_words) + skip, step) ~= 0 then return false end
    view, offset, size = view + step, offset + step, size - step
  end
  return true
end

return Bytes
