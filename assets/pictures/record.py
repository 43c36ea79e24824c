# SPDX-License-Identifier: MIT
"""Records the demo's window as a short animation.

usage: xvfb-run -a -s '-screen 0 1280x720x24' python3 record.py PICTURE.webp

Wants a display that nobody else draws on. What is seen: the update comes in the naive lane, then drained within the slice of each tick; then
`threaded = true` is written into the config file, as a user would, and the same download goes on threaded. Nothing is pressed, so
the demo may change its keys and panels.
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

try:
    from PIL import Image, ImageGrab
except ImportError:
    sys.exit("record.py: wanted is Pillow for this Python: apt-get install python3-pil")

FRAMES_PER_S = 8
BEGIN_S, EDIT_S, END_S = 2.5, 8.5, 14  # from the first picture on; the naive lane lasts 5 s
SIZE = (960, 540)
UPDATE_MB = 3000                       # about what comes until the end; the client hashes it all at the beginning
MOST_BYTES = 1_600_000
TOP = pathlib.Path(__file__).resolve().parents[2]


def is_drawn(picture):
    return any(low != high for low, high in picture.getextrema())


def grab():
    return ImageGrab.grab(xdisplay=os.environ["DISPLAY"]).convert("RGB")


def wait_for_window(demo):
    for _ in range(600):
        if demo.poll() is not None:
            sys.exit(f"record.py: the demo ended with status {demo.returncode} before it showed anything")
        if is_drawn(grab()):
            return time.monotonic()
        time.sleep(0.1)
    sys.exit("record.py: no window in 60 s")


def make_threaded(config):
    text = config.read_text()
    assert "\nthreaded = false\n" in text, f"{config}: threaded = false is not there to be changed"
    config.write_text(text.replace("\nthreaded = false\n", "\nthreaded = true\n"))


def record(demo, config):
    begin_s, frames, is_threaded = wait_for_window(demo), [], False
    for number in range(int((END_S - BEGIN_S) * FRAMES_PER_S)):
        at_s = BEGIN_S + number / FRAMES_PER_S
        time.sleep(max(0, begin_s + at_s - time.monotonic()))
        if at_s >= EDIT_S and not is_threaded:
            make_threaded(config)
            is_threaded = True
        frames.append(grab())
        late_s = time.monotonic() - begin_s - at_s
        if late_s > 1:
            sys.exit(f"record.py: a picture came {late_s:.1f} s late: this machine is too busy to record on")
    if demo.poll() is not None:
        sys.exit(f"record.py: the demo ended with status {demo.returncode} while it was recorded")
    return frames


def save(frames, path):
    """The best quality that fits."""
    small = [frame.resize(SIZE, Image.LANCZOS) for frame in frames]
    for quality in (60, 45, 30, 15):
        small[0].save(path, save_all=True, append_images=small[1:], duration=1000 // FRAMES_PER_S, loop=0, quality=quality, method=4)
        if os.path.getsize(path) <= MOST_BYTES:
            return
    sys.exit(f"record.py: {path} has {os.path.getsize(path)} bytes, allowed are {MOST_BYTES}")


def main(path):
    with tempfile.TemporaryDirectory() as scratch:
        config = pathlib.Path(scratch, "framepump.toml")
        config.write_text((TOP / "assets/framepump.toml").read_text())
        command = [TOP / "demo/run", "--raw", "--name", "Ada", "--clients", "3", "--fps", "30", "--download-mb", str(UPDATE_MB), "--config", config]
        demo = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            frames = record(demo, config)
        finally:
            demo.send_signal(signal.SIGTERM)  # it ends the server and the other clients, too
            demo.wait()
    save(frames, path)


main(*sys.argv[1:])
