-- SPDX-License-Identifier: MIT
--
-- Between Lua's values and C's: names for numbers, tables for structs, checks of what a game hands in.
local here = (...):gsub("[^.]+$", "")
local ffi = require "ffi"
local library = require(here .. "library")
local declarations = require(here .. "declarations")

local values = {}

-- FRAMEPUMP_PRIORITY_BULK = 2 is { bulk = 2 } in one direction and { [2] = "bulk" } in the other.
local function family(prefix)
  local numbers, names = {}, {}
  for name, number in pairs(library.constants) do
    local word = name:match("^" .. prefix .. "_(.+)$")
    if word then
      word = word:lower():gsub("_", " ")
      numbers[word], names[number] = number, word
    end
  end
  return { numbers = numbers, names = names }
end

values.priority = family("PRIORITY")
values.mode = family("MODE")
values.state = family("STATE")
values.reason = family("REASON")
values.event = family("EVENT")
values.backend = family("BACKEND")
values.wait = family("WAIT")
values.error = family("ERROR")
values.delivery = { numbers = {}, names = {} }
for _, word in ipairs { "unreliable", "reliable", "unsequenced" } do
  local number = library.constants[word:upper()]
  values.delivery.numbers[word], values.delivery.names[number] = number, word
end

-- A value as it is shown in an error's text.
local function shown(value)
  return type(value) == "string" and ("'%s'"):format(#value > 60 and value:sub(1, 60) .. "..." or value) or tostring(value)
end
values.shown = shown

local function listed(words)
  local list = {}
  for word in pairs(words) do list[#list + 1] = word end
  table.sort(list)
  return table.concat(list, ", ")
end
values.listed = listed

-- The number of a word such as "bulk"; nil stands for `default`.
function values.number_of(what, set, word, default)
  if word == nil then word = default end
  local number = set.numbers[word]
  if number then return number end
  return nil, ("%s is %s, allowed are %s"):format(what, shown(word), listed(set.numbers)), "invalid argument"
end

-- A whole number from 0 to `most`; nil stands for `default`.
function values.whole(what, value, most, default)
  if value == nil then value = default end
  if type(value) == "number" and value >= 0 and value <= most and value % 1 == 0 then return value end
  return nil, ("%s is %s, allowed are whole numbers from 0 to %.0f"):format(what, shown(value), most), "invalid argument"
end

function values.text(what, value)
  if type(value) == "string" then return value end
  return nil, ("%s is %s, allowed is a string"):format(what, shown(value)), "invalid argument"
end

-- Options are a table or nothing, and a misspelt one is refused. `allowed` is a set.
function values.options(what, options, allowed)
  if options == nil then return {} end
  if type(options) ~= "table" then
    return nil, ("%s: options are %s, allowed is a table"):format(what, shown(options)), "invalid argument"
  end
  for name in pairs(options) do
    if not allowed[name] then
      return nil, ("%s: there is no option %s; allowed are %s"):format(what, shown(name), listed(allowed)), "invalid argument"
    end
  end
  return options
end

-- Bytes of a string, of LÖVE's Data, or of a pointer with a size: pointer and size. A pointer keeps nothing alive, so what it points
-- into is kept here until the next call.
function values.bytes(what, bytes, size)
  values.kept = bytes
  if type(bytes) == "string" then return ffi.cast("const uint8_t*", bytes), #bytes end
  local has_pointer, pointer_of = pcall(function() return bytes.getFFIPointer end)
  if type(bytes) == "userdata" and has_pointer and pointer_of then
    return ffi.cast("const uint8_t*", bytes:getFFIPointer()), bytes:getSize()
  end
  -- A number as cdata could be cast to a pointer, too.
  local ctype = type(bytes) == "cdata" and tostring(ffi.typeof(bytes)) or ""
  if not ctype:match("[%*%]]>$") and not ctype:match("%(&%)%[%d*%]>$") then
    local text = "%s: bytes are %s, allowed are a string, a LÖVE Data, or a pointer with a size"
    return nil, text:format(what, shown(bytes)), "invalid argument"
  end
  local good, pointer = pcall(ffi.cast, "const uint8_t*", bytes)
  if not good or pointer == nil then return nil, what .. ": bytes are no pointer, or a null one", "invalid argument" end
  local checked, problem, code = values.whole(what .. ": size", size, 2 ^ 52)
  if not checked then return nil, problem, code end
  return pointer, checked
end

-- ---- Structs ----

-- Of each flat struct its fields in order, without two that no game needs.
local fields = {}
for name, body in declarations.c:gmatch("typedef struct (framepump_%w+[%w_]*) {(.-)\n} ") do
  fields[name] = {}
  for kind, field in body:gmatch("\n  ([%w_ ]+%*? )([%w_]+)%[?%d*%]?;") do
    if field ~= "struct_size" and field ~= "reserved" then
      table.insert(fields[name], { name = field, is_text = kind:find("char") ~= nil })
    end
  end
end

-- A new struct that knows its size.
function values.struct(name)
  local struct = ffi.new(name)
  struct.struct_size = ffi.sizeof(name)
  return struct
end

-- Its fields as a table: numbers, and strings; a null text is nil.
function values.to_table(name, struct)
  local out = {}
  for _, field in ipairs(fields[name]) do
    local value = struct[field.name]
    if not field.is_text then
      out[field.name] = tonumber(value)
    elseif value ~= nil then
      out[field.name] = ffi.string(value)
    end
  end
  return out
end

return values
