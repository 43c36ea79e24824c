-- SPDX-License-Identifier: MIT
--
-- FramePump for LÖVE 11, over LuaJIT's FFI. The guide is README.md beside this folder.
--
--   local framepump = require "framepump"
--   local net = assert(framepump.open { threaded = true })
--   function love.update() assert(net:tick()) ... net:flush() end
--
-- Every call that can fail returns nil, a sentence, and the name of the error.
--
-- No function of Lua is ever handed to the library: its other threads must not enter a Lua state. So its log goes to standard
-- error, and user sources are left out; a task does the same.
local name = ((...):gsub("%.init$", ""))
local ffi = require "ffi"
local library = require(name .. ".library")
local values = require(name .. ".values")
local settings = require(name .. ".settings")
local Network = require(name .. ".network")

local framepump = { VERSION = library.version, clock = Network.clock }

local OK = 0

local function opened(api, code, handle, message)
  if code ~= OK then return nil, ffi.string(message.text), values.error.names[code] or "unknown" end
  return Network.new(api, handle[0])
end

local function create(api, changes)
  local config, handle, message = values.struct("framepump_config"), ffi.new("framepump_handle[1]"), values.struct("framepump_message")
  api.config_init(config, ffi.sizeof("framepump_config"))
  local done, problem, code = settings.apply("open", config, changes)
  if not done then return nil, problem, code end
  return opened(api, api.network_create(config, nil, handle, message), handle, message)
end

-- The file is watched; what is named beside it goes before it until the file changes.
local function open_file(api, path, changes)
  local text, problem, code = values.text("open: config", path)
  if not text then return nil, problem, code end
  local handle, message = ffi.new("framepump_handle[1]"), values.struct("framepump_message")
  local network
  network, problem, code = opened(api, api.network_open(text, nil, handle, message), handle, message)
  if not network then return nil, problem, code end
  if next(changes) == nil then return network end
  local done
  done, problem, code = network:configure(changes)
  if done then return network end
  network:close()
  return nil, problem, code
end

-- Opens a network. `options` are settings by name, and
--   config    path of a framepump.toml, which is read and watched
--   library   path of libframepump_plugin.so; without it: the variable FRAMEPUMP_LIBRARY, beside the game, the system's
function framepump.open(options)
  if options ~= nil and type(options) ~= "table" then
    return nil, ("open: options are %s, allowed is a table"):format(values.shown(options)), "invalid argument"
  end
  local changes, path, library_path = {}, nil, nil
  for option, value in pairs(options or {}) do
    if option == "config" then path = value
    elseif option == "library" then library_path = value
    else changes[option] = value end
  end
  if library_path ~= nil and type(library_path) ~= "string" then
    return nil, ("open: library is %s, allowed is a path"):format(values.shown(library_path)), "invalid argument"
  end
  local api, problem = library.find(library_path)
  if api == nil then return nil, problem, "no library" end
  if path ~= nil then return open_file(api, path, changes) end
  return create(api, changes)
end

return framepump
