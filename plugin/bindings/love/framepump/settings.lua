-- SPDX-License-Identifier: MIT
--
-- Settings by name: that of the field in framepump_config ("slice_us"), or the key in framepump.toml ("pump.slice_us").
local here = (...):gsub("[^.]+$", "")
local values = require(here .. "values")
local library = require(here .. "library")

local settings = {}
local by_name, field_names = {}, {}
for _, setting in ipairs(library.settings) do
  by_name[setting.key], by_name[setting.field] = setting, setting
  field_names[#field_names + 1] = setting.field
end

local function number_of(what, setting, value)
  what = what .. ": " .. setting.key
  if setting.kind == "backend" then return values.number_of(what, values.backend, value) end
  if setting.kind == "boolean" then
    if type(value) == "boolean" then return value and 1 or 0 end
    return nil, ("%s is %s, allowed are true and false"):format(what, values.shown(value)), "config"
  end
  return values.whole(what, value, 2 ^ 32 - 1)
end

-- Puts named values into a framepump_config. Whether they are in range the library says.
function settings.apply(what, config, changes)
  if type(changes) ~= "table" then
    return nil, ("%s: settings are %s, allowed is a table"):format(what, values.shown(changes)), "invalid argument"
  end
  for name, value in pairs(changes) do
    local setting = by_name[name]
    if not setting then
      local allowed = table.concat(field_names, ", ") .. ", their keys in framepump.toml (\"pump.slice_us\")"
      if what == "open" then allowed = allowed .. ", config, library" end
      return nil, ("%s: there is no setting %s; allowed are %s"):format(what, values.shown(name), allowed), "config"
    end
    local number, problem, code = number_of(what, setting, value)
    if not number then return nil, problem, code end
    config[setting.field] = number
  end
  return true
end

function settings.to_table(config)
  local out = {}
  for _, setting in ipairs(library.settings) do
    local value = config[setting.field]
    if setting.kind == "boolean" then value = value == 1 end
    if setting.kind == "backend" then value = values.backend.names[value] end
    out[setting.field] = value
  end
  return out
end

return settings
