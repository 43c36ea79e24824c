-- SPDX-License-Identifier: MIT
--
-- The demo in LÖVE: joins the server of demo/server as the SDL client does, draws the same swarm, and streams the same update.
local framepump = require "framepump"
local options = require "options"
local SwarmClient = require "swarm_client"
local Download = require "download"
local report = require "report"
local picture = require "picture"

local HITCH_S = 5        -- a level load
local PAUSE_S = 1        -- between two downloads, so that the result can be seen
local SEEN_ENOUGH = 30   -- snapshots, a second of them
local ARROW_STEP = 0.02

local game = {
  version = framepump.VERSION, is_headless = options.headless, frames = 0, mode_switches = 0, tick_us = {}, frame_us = {}, note = "",
  shows_panels = true, steer_x = 0.5, steer_y = 0.5,
}
local net, next_frame_s, newest_frame_s, is_ending

local function begin_download()
  if game.download then game.download:stop() end
  game.download = options.download_mb > 0 and Download.new(net, options.connect, options.download_mb * 1000000) or nil
end

function love.load()
  local problem
  net, problem = framepump.open { threaded = options.threaded == "on" }
  if not net then
    io.stderr:write("love demo: ", problem, "\n")
    return love.event.quit(1)
  end
  game.net = net
  game.swarm = SwarmClient.new(net, options.connect, options.name)
  game.begin_s = net.clock()
  begin_download()
  if not options.headless then picture.load() end
end

-- ---- Keys ----

local keys = {}

function keys.t() game.note = select(2, net:set_mode(net:config().threaded and "frame locked" or "threaded")) or "" end
for n = 1, 5 do
  keys[tostring(n)] = function() game.note = select(2, net:configure { slice_us = n * 1000 }) or "" end
end
function keys.p()
  if not game.download then return end
  game.download.reads = not game.download.reads
  game.note = game.download.reads and "" or "not reading: the queue fills up, then TCP stops the server"
end
keys.r = begin_download
function keys.h()
  local takeovers = net:totals().guard_takeovers
  love.timer.sleep(HITCH_S)
  local is_threaded = net:config().threaded
  game.note = net:totals().guard_takeovers > takeovers and "blocked for 5 s: the guard pumped meanwhile"
    or is_threaded and "blocked for 5 s: the IO thread pumped on" or "blocked for 5 s: nobody pumped"
end
function keys.g()
  local has_guard = net:config().stall_takeover_ms > 0
  local done, problem = net:configure { stall_takeover_ms = has_guard and 0 or 250 }
  game.note = not done and problem or has_guard and "guard off" or "guard on: it pumps when no tick comes"
end
keys["return"] = function() game.typed = "" end
function keys.tab() game.shows_panels = not game.shows_panels end
function keys.escape() love.event.quit(0) end
function keys.f12()
  local path = ("framepump-love-%d.png"):format(game.frames)
  love.graphics.captureScreenshot(path)
  game.note = "wrote " .. love.filesystem.getSaveDirectory() .. "/" .. path
end

-- While a line is typed, keys are letters.
local function type_key(key)
  if key == "return" then game.swarm:say(game.typed) end
  if key == "backspace" then game.typed = game.typed:sub(1, -2) end
  if key == "return" or key == "escape" then game.typed = nil end
end

function love.keypressed(key)
  if game.typed and key ~= "f12" then return type_key(key) end
  if keys[key] then keys[key]() end
end

function love.textinput(text)
  if game.typed then game.typed = game.typed .. text end
end

function love.mousemoved(x, y, dx, dy)
  if dx == 0 and dy == 0 then return end  -- it came into the window
  local width, height = love.graphics.getDimensions()
  game.steer_x, game.steer_y, game.is_steered = x / width, y / height, true
end

-- ---- The frame ----

-- By arrows or by the mouse; as long as nobody does, the light goes in a circle.
local function steer()
  local function held(key) return not game.is_headless and not game.typed and love.keyboard.isDown(key) and ARROW_STEP or 0 end
  local dx, dy = held("right") - held("left"), held("down") - held("up")
  if dx ~= 0 or dy ~= 0 then game.is_steered = true end
  if game.is_steered then
    game.steer_x = math.max(0, math.min(1, game.steer_x + dx))
    game.steer_y = math.max(0, math.min(1, game.steer_y + dy))
  else
    local turn = (net.now_s - game.begin_s) * 0.7
    game.steer_x, game.steer_y = 0.65 + 0.25 * math.cos(turn), 0.45 + 0.25 * math.sin(turn)
  end
  game.swarm:steer(game.steer_x, game.steer_y)
end

local function watch_events()
  for _, event in ipairs(net:events()) do
    if event.kind == "mode switched" then game.mode_switches = game.mode_switches + 1 end
  end
end

local function note_times(now_s)
  game.tick_us[#game.tick_us + 1] = net:report().tick_us
  if newest_frame_s then game.frame_us[#game.frame_us + 1] = (now_s - newest_frame_s) * 1e6 end
  newest_frame_s = now_s
  if #game.tick_us > 5000 then
    table.remove(game.tick_us, 1)
    table.remove(game.frame_us, 1)
  end
end

-- Success: it is in the swarm and sees it, and the update is there and right.
local function has_succeeded()
  local is_loaded = not game.download or game.download.is_verified
  return game.swarm.own_id ~= nil and game.swarm.view.received >= SEEN_ENOUGH and is_loaded == true
end

local function finish()
  is_ending = true
  local status = has_succeeded() and 0 or 1
  local text = report.make(game) .. "\n"
  if options.report then
    local done, problem = report.write(options.report, text)
    if not done then
      io.stderr:write("love demo: --report: ", problem, "\n")
      status = 1
    end
  else
    io.stdout:write(text)
  end
  love.event.quit(status)
end

-- The picture is taken when this frame has been drawn, and then is the end.
local function finish_with_picture()
  is_ending = true
  love.graphics.captureScreenshot(function(image)
    local file, problem = io.open(options.screenshot, "wb")
    if not file then
      io.stderr:write("love demo: --screenshot: ", problem, "\n")
      return love.event.quit(1)
    end
    file:write(image:encode("png"):getString())
    file:close()
    finish()
  end)
end

local function end_when_due()
  if is_ending then return end
  local is_due = options.frames and game.frames >= options.frames
  if not options.frames and options.headless then is_due = has_succeeded() end
  if is_due and options.screenshot then return finish_with_picture() end
  if is_due then return finish() end
  local is_shown = game.download and game.download.is_finished and net.clock() - game.download.end_s > PAUSE_S
  if is_shown and not options.headless and not options.frames then begin_download() end
end

-- Instead of sleeping: pumps until the next frame. With vsync the display waits.
local function pace()
  if options.fps == 0 then return end
  local now_s = net.clock()
  next_frame_s = math.max((next_frame_s or now_s) + 1 / options.fps, now_s)
  net:wait_until(next_frame_s)
end

function love.update()
  if not net then return end
  local done, problem = net:tick()
  if not done then error(problem) end
  game.frames = game.frames + 1
  note_times(net.now_s)
  watch_events()
  game.swarm:update()
  steer()
  if options.toggle_every and game.frames % options.toggle_every == 0 then keys.t() end
  end_when_due()
  net:flush()
  pace()
end

function love.draw()
  if net then picture.draw(game) end
end

-- The server hears of it, if it answers soon.
function love.quit()
  if not net then return end
  local end_s = net.clock() + 0.5
  local host = game.swarm.host
  if host then host:close() end
  while host and not host.closed and net.clock() < end_s do
    net:tick()
    net:wait_until(net.clock() + 0.005)
  end
  net:close()
end
