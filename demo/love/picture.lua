-- SPDX-License-Identifier: MIT
--
-- The swarm and the panels over it, in the colors of the SDL client: told apart by colour-blind eyes too (Okabe and Ito 2008).
local CLIENT_LIGHT = 3
local GLOW_PIXELS = 64
local RECENT = 240  -- values of a graph

local ground = { 14 / 255, 18 / 255, 28 / 255 }
local lights = { [0] = { 0.34, 0.71, 0.91 }, { 0.90, 0.62, 0.0 }, { 0.94, 0.89, 0.55 }, { 1, 1, 1 } }
local blue, orange, green, pale = lights[0], lights[1], { 0.0, 0.70, 0.53 }, { 0.94, 0.89, 0.55, 0.6 }
local words, dim, panel, trough = { 0.93, 0.95, 0.97 }, { 0.62, 0.66, 0.72 }, { 0.04, 0.05, 0.08, 0.82 }, { 0.12, 0.17, 0.29 }

local picture = {}
local font, small, glow

-- A disc that fades out towards its rim.
local function make_glow()
  local data = love.image.newImageData(GLOW_PIXELS, GLOW_PIXELS)
  data:mapPixel(function(x, y)
    local dx, dy = (x + 0.5) / GLOW_PIXELS * 2 - 1, (y + 0.5) / GLOW_PIXELS * 2 - 1
    return 1, 1, 1, math.max(0, 1 - math.sqrt(dx * dx + dy * dy))
  end)
  return love.graphics.newSpriteBatch(love.graphics.newImage(data), 700)
end

function picture.load()
  font, small, glow = love.graphics.newFont(15), love.graphics.newFont(13), make_glow()
end

local function draw_swarm(game, width, height)
  local seen = game.swarm.view:lights_at(game.net.now_s)
  game.drawn = seen
  glow:clear()
  for _, light in ipairs(seen) do
    local is_client = light.kind == CLIENT_LIGHT
    local radius = width * (is_client and 0.012 or 0.005 + 0.0015 * (light.id % 5))
    local color = lights[light.kind]
    glow:setColor(color[1], color[2], color[3], 0.75)
    glow:add(light.x * width, light.y * height, 0, radius * 2 / GLOW_PIXELS, nil, GLOW_PIXELS / 2, GLOW_PIXELS / 2)
  end
  love.graphics.setColor(1, 1, 1)
  love.graphics.draw(glow)
  love.graphics.setLineWidth(2)
  for _, light in ipairs(seen) do
    if light.kind == CLIENT_LIGHT then
      local is_own = light.id == game.swarm.own_id
      local x, y, radius = light.x * width, light.y * height, width * (is_own and 0.017 or 0.012)
      love.graphics.setColor(is_own and lights[2] or lights[3])
      love.graphics.circle("line", x, y, radius)
      love.graphics.setColor(words)
      love.graphics.print(game.swarm.names[light.id] or "", x + radius + 5, y - font:getHeight() / 2)
    end
  end
end

-- ---- Panels ----

local function draw_box(x, y, width, height)
  love.graphics.setColor(panel)
  love.graphics.rectangle("fill", x, y, width, height, 4)
  love.graphics.setColor(0.3, 0.33, 0.4)
  love.graphics.setLineWidth(1)
  love.graphics.rectangle("line", x, y, width, height, 4)
end

local function draw_line(text, x, y, color)
  love.graphics.setColor(color or words)
  love.graphics.print(text, x, y)
end

local function draw_bar(x, y, width, height, share, text, color)
  love.graphics.setColor(trough)
  love.graphics.rectangle("fill", x, y, width, height)
  love.graphics.setColor(color)
  love.graphics.rectangle("fill", x, y, width * share, height)
  love.graphics.setFont(small)
  local text_x, text_y = x + (width - small:getWidth(text)) / 2, y + (height - small:getHeight()) / 2
  love.graphics.setColor(0, 0, 0, 0.8)
  love.graphics.print(text, text_x + 1, text_y + 1)
  love.graphics.setColor(1, 1, 1)
  love.graphics.print(text, text_x, text_y)
  love.graphics.setFont(font)
end

-- The newest values, and a line at `mark`.
local function draw_graph(x, y, width, height, values, mark)
  love.graphics.setColor(trough)
  love.graphics.rectangle("fill", x, y, width, height)
  local top, points = mark * 1.6, {}
  for n = math.max(1, #values - RECENT + 1), #values do
    points[#points + 1] = x + width - (#values - n) * width / (RECENT - 1)
    points[#points + 1] = y + height - 2 - (height - 4) * math.min(values[n] / top, 1)
  end
  love.graphics.setLineWidth(1)
  love.graphics.setColor(pale)
  local mark_y = y + height - 2 - (height - 4) * mark / top
  love.graphics.line(x, mark_y, x + width, mark_y)
  love.graphics.setColor(blue)
  if #points >= 4 then love.graphics.line(points) end
end

local function draw_download(game, x, y, width)
  local download = game.download
  if not download then return draw_line("no update asked for", x, y, dim) end
  local share = download.received_bytes / download.size_bytes
  local text = ("update  %.1f of %.1f MB"):format(download.received_bytes / 1e6, download.size_bytes / 1e6)
  draw_bar(x, y, width, 20, share, text, game.net:report().mode == "threaded" and green or blue)
  local rate = ("%.1f MB/s in %.2f s   "):format(download:mb_per_s(), download:seconds())
  draw_line(rate .. download.status, x, y + 25, download.is_verified and words or orange)
end

local function draw_panel(game)
  local x, width = 28, 400
  local report = game.net:report()
  local is_threaded = report.mode == "threaded"
  draw_box(16, 16, width + 24, 318)
  local title = "FramePump " .. game.version .. " in LÖVE"
  draw_line(title, x, 26, blue)
  draw_line(report.mode, x + font:getWidth(title) + 24, 26, is_threaded and green or blue)
  draw_download(game, x, 54, width)
  local frame_us = game.frame_us[#game.frame_us] or 0
  draw_line(("frame   %.2f ms   %d frames a second"):format(frame_us / 1000, love.timer.getFPS()), x, 110)
  draw_graph(x, 132, width, 42, game.frame_us, 1e6 / 60)
  draw_line(("tick   %.2f ms   of a slice of %.2f ms"):format(report.tick_us / 1000, report.slice_us / 1000), x, 182)
  draw_graph(x, 204, width, 42, game.tick_us, math.max(report.slice_us, 100))
  local view = game.swarm.view
  draw_line(("swarm   %.1f snapshots a second   lost %d"):format(view:per_s(), view.lost), x, 256)
  draw_line(game.swarm.status, x, 278, game.swarm.own_id and blue or orange)
  love.graphics.setFont(small)
  draw_line(game.note, x, 304, orange)
  love.graphics.setFont(font)
end

local function draw_chat(game, width)
  local lines = { unpack(game.swarm.chat) }
  if game.typed then lines[#lines + 1] = "> " .. game.typed .. "_" end
  if #lines == 0 then return end
  draw_box(width - 316, 16, 300, 16 + #lines * 20)
  for n, line in ipairs(lines) do draw_line(line, width - 304, 4 + n * 20, n > #game.swarm.chat and blue or words) end
end

function picture.draw(game)
  local width, height = love.graphics.getDimensions()
  love.graphics.clear(ground)
  love.graphics.setFont(font)
  draw_swarm(game, width, height)
  if not game.shows_panels then return end
  draw_panel(game)
  draw_chat(game, width)
  love.graphics.setFont(small)
  local keys = "T threaded   1-5 slice in ms   P stop reading   R again   H hitch   G guard   "
    .. "Enter chat   Tab panels   F12 picture   Esc quit"
  local keys_x = (width - small:getWidth(keys)) / 2
  draw_box(keys_x - 12, height - 36, small:getWidth(keys) + 24, 26)
  draw_line(keys, keys_x, height - 31, dim)
end

return picture
