-- SPDX-License-Identifier: MIT
-- Without a window, a display or sound.
function love.conf(t)
  t.identity = "framepump-tests"
  t.window = nil
  for _, name in ipairs { "audio", "graphics", "joystick", "keyboard", "mouse", "physics", "sound", "touch", "video", "window" } do
    t.modules[name] = false
  end
end
