-- SPDX-License-Identifier: MIT
local options = require "options"

function love.conf(t)
  t.identity = "framepump-demo"
  t.version = "11.4"
  for _, module in ipairs { "audio", "joystick", "physics", "sound", "touch", "video" } do t.modules[module] = false end
  if options.headless then
    t.window = nil
    for _, module in ipairs { "graphics", "keyboard", "mouse", "window" } do t.modules[module] = false end
    return
  end
  t.window.title = "FramePump in LÖVE"
  t.window.width, t.window.height, t.window.resizable = 1280, 720, true
  t.window.vsync = options.fps == 0 and 1 or 0
end
