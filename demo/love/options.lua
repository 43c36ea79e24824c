-- SPDX-License-Identifier: MIT
--
-- The command line, read before LÖVE opens a window.
local usage = [[
usage: love demo/love [OPTION...]          (demo/love/run starts a server, too)

  --connect HOST:PORT   the demo's server (127.0.0.1:7777)
  --headless            without a window: until the update is there and a second of the swarm was seen
  --frames N            so many frames, then the end
  --fps N               frames a second; 0: the display's own rate (0; headless 60)
  --threaded on|off     socket work on a thread of its own (off); T switches
  --toggle-every N      switch that every N frames
  --download-mb N       size of the update (115); 0: none
  --name NAME           of the light (Love)
  --report FILE         at the end, one line of JSON: what was seen and verified
  --screenshot FILE     at the end of --frames, the last frame as a PNG
  --help                this text
]]

local function whole(least, most)
  return function(text)
    local number = tonumber(text)
    if number and number % 1 == 0 and number >= least and number <= most then return number end
    return nil, ("whole numbers from %d to %d"):format(least, most)
  end
end

local function words(text) return text ~= "" and text or nil, "a name" end

local function on_or_off(text)
  if text == "on" or text == "off" then return text == "on" and "on" or "off" end
  return nil, "on and off"
end

local function address(text)
  local host, port = text:match("^([%d.]+):(%d+)$")
  if host and tonumber(port) <= 65535 then return { host = host, port = tonumber(port) } end
  return nil, "HOST:PORT with a numeric IPv4 address"
end

local kinds = {
  connect = address, frames = whole(1, 1e9), fps = whole(0, 1000), threaded = on_or_off, download_mb = whole(0, 16000),
  toggle_every = whole(1, 1e9), name = words, report = words, screenshot = words,
}

local options = {
  connect = { host = "127.0.0.1", port = 7777 }, headless = false, threaded = "off", download_mb = 115, name = "Love",
}

local function stop(status, text)
  local out = status == 0 and io.stdout or io.stderr
  out:write(text)
  out:flush()
  os.exit(status)
end

local function parse(arguments)
  local n = 1
  while n <= #arguments do
    local argument = arguments[n]
    local name = argument:match("^%-%-([%a-]+)$")
    local key = name and name:gsub("-", "_")
    if key == "help" then
      stop(0, usage)
    elseif key == "headless" then
      options.headless = true
    elseif key and kinds[key] then
      n = n + 1
      local value, allowed = kinds[key](arguments[n] or "")
      if value == nil then
        stop(2, ("love demo: --%s is '%s', allowed is %s\n"):format(name, arguments[n] or "", allowed))
      end
      options[key] = value
    else
      stop(2, ("love demo: there is no option '%s'; see --help\n"):format(argument))
    end
    n = n + 1
  end
  options.fps = options.fps or (options.headless and 60 or 0)
  if options.screenshot and (options.headless or not options.frames) then
    stop(2, "love demo: --screenshot wants a window and --frames\n")
  end
end

parse { select(2, unpack(arg)) }
return options
