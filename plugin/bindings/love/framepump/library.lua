-- SPDX-License-Identifier: MIT
--
-- Finds and loads libframepump_plugin.so, and gives its table of functions.
local here = (...):gsub("[^.]+$", "")
local ffi = require "ffi"
local declarations = require(here .. "declarations")

local LIBRARY_NAME = "libframepump_plugin.so"
local RTLD_NOW, RTLD_DEEPBIND = 2, 8  -- Linux

-- A second copy of this module in one Lua state must not declare everything again. The names of the system's functions are our
-- own, so that another module may declare them too.
if not pcall(ffi.typeof, "framepump_api") then
  ffi.cdef(declarations.c)
  ffi.cdef [[
    typedef struct { long tv_sec; long tv_nsec; } framepump_timespec;
    int framepump_clock_gettime(int clock, framepump_timespec* time) __asm__("clock_gettime");
    void* framepump_dlopen(const char* path, int flags) __asm__("dlopen");
    void* framepump_dlsym(void* library, const char* name) __asm__("dlsym");
    char* framepump_dlerror(void) __asm__("dlerror");
    void* framepump_memchr(const void* bytes, int byte, size_t size) __asm__("memchr");
  ]]
end

-- Looked up before they are used, since looking one up forgets what dlerror would say.
local dlopen, dlsym, dlerror = ffi.C.framepump_dlopen, ffi.C.framepump_dlsym, ffi.C.framepump_dlerror

local library = {}

-- Deep binding: the plugin's ENet is the one that it was built for, also in a LÖVE that exports a copy of its own. The library stays
-- loaded until the process ends.
local function load(path)
  local object = dlopen(path, RTLD_NOW + RTLD_DEEPBIND)
  if object == nil then return nil, ffi.string(dlerror()) end
  local symbol = dlsym(object, "framepump_get_api")
  if symbol == nil then return nil, path .. ": exports no framepump_get_api" end
  local api = ffi.cast("framepump_get_api_function", symbol)(declarations.constants.VERSION)
  if api == nil then return nil, path .. ": not the version that this binding was made for: " .. library.version end
  return api
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- Beside the game: in its folder, in that of this module, and beside its folder or its .love file.
local function places()
  if not love or not love.filesystem then return {} end
  local source, base = love.filesystem.getSource(), love.filesystem.getSourceBaseDirectory()
  return { source .. "/" .. LIBRARY_NAME, source .. "/" .. here:gsub("%.", "/") .. LIBRARY_NAME, base .. "/" .. LIBRARY_NAME }
end

-- The table of functions; it is loaded once, whatever is asked for later. `path` may be nil.
function library.find(path)
  if library.api then return library.api end
  if ffi.os ~= "Linux" then return nil, "FramePump's library is for Linux; this is " .. ffi.os end
  local named = path or os.getenv("FRAMEPUMP_LIBRARY")
  local problem
  if named then
    library.api, problem = load(named)
    if not library.api then
      problem = (path and "open: library is '" or "FRAMEPUMP_LIBRARY is '") .. named .. "', which cannot be loaded: " .. problem
    end
    return library.api, problem
  end
  local tried = places()
  for _, place in ipairs(tried) do
    if exists(place) then
      library.api, problem = load(place)
      return library.api, problem
    end
  end
  library.api, problem = load(LIBRARY_NAME)
  if library.api then return library.api end
  tried[#tried + 1] = "the system's libraries (" .. problem .. ")"
  return nil, "no " .. LIBRARY_NAME .. "; looked for " .. table.concat(tried, ", ") .. "; set FRAMEPUMP_LIBRARY or open's 'library'"
end

library.constants = declarations.constants
library.settings = declarations.settings
do
  local version = declarations.constants.VERSION
  library.version = ("%d.%d.%d"):format(version / 1000000, version / 1000 % 1000, version % 1000)
end

return library
