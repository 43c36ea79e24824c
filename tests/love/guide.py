# SPDX-License-Identifier: MIT
"""The guide's Lua, taken out of it to be run.

usage: guide.py GUIDE FOLDER

Makes a game of each block of Lua, FOLDER/LINE/main.lua, LINE being that of the block's first line in the guide, with the block of text
that follows it, if one does, as FOLDER/LINE/expected. A game ends by itself, or by what is added here after 120 frames and a second; what is
added also makes a block without love.update a game that ends at once.
"""
import pathlib
import re
import sys

ENDING = """
local frames, update, begin_s = 0, love.update, love.timer.getTime()
function love.update(dt)
  frames = frames + 1
  if update then update(dt) end
  if not update or (frames >= 120 and love.timer.getTime() > begin_s + 1) then love.event.quit(0) end
end
"""


def blocks(text):
    """(first line, language, content) of each fenced block."""
    for match in re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield text.count("\n", 0, match.start()) + 2, match.group(1), match.group(2)


def main(guide, folder):
    newest = None
    for line, language, content in blocks(pathlib.Path(guide).read_text()):
        if language == "lua":
            newest = pathlib.Path(folder) / str(line)
            newest.mkdir(parents=True)
            # Line numbers in errors are those of the block.
            (newest / "main.lua").write_text('io.stdout:setvbuf("line") ' + content + ENDING)
        elif language == "text" and newest:
            (newest / "expected").write_text(content)
            newest = None


main(*sys.argv[1:])
