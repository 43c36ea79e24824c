#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Draws a few frames of a trace as an SVG picture: those around a switch to threaded mode (or from --frame on), and the end of the tick
that served the most sources, enlarged.

usage: draw_trace.py TRACE.json PICTURE.svg [--frame N] [--frames N]
"""

import argparse
import json
from xml.sax.saxutils import escape

GAME, BACKGROUND, ARRIVALS = 1, 2, 3
# Okabe and Ito's colours, which those who see fewer colours can tell apart; a legend and labels say the same in words.
COLORS = {"receive": "#0072B2", "send": "#E69F00", "accept": "#CC79A7", "publish": "#009E73", "command": "#777777", "poll": "#56B4E9",
          "source": "#F0E442"}
SPANS = {"frame": "#ECECEC", "tick": "#C9C9C9", "flush": "#DDDDDD", "wait_until": "#F4F4F4", "background": "#DDDDDD"}
WIDTH, LEFT, RIGHT, ROW, GAP = 1200, 130, 20, 22, 6
CLOSE_US = 250
INK, FAINT = "#222222", "#666666"


def end(event):
    return event["ts"] + event.get("dur", 0)


def contrast(color):
    red, green, blue = (int(color[i:i + 2], 16) for i in (1, 3, 5))
    return "#FFFFFF" if 0.3 * red + 0.59 * green + 0.11 * blue < 130 else INK


class Panel:
    """A stretch of time across the page, and rows below each other."""

    def __init__(self, out, begin, stop, top):
        self.out, self.begin, self.stop, self.y = out, begin, stop, top
        self.top = top

    def x(self, time):
        return LEFT + (min(max(time, self.begin), self.stop) - self.begin) * (WIDTH - LEFT - RIGHT) / (self.stop - self.begin)

    def shows(self, event):
        return end(event) >= self.begin and event["ts"] < self.stop

    def text(self, x, y, words, anchor="start", color=INK, size=13, weight="normal"):
        self.out.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" font-size="{size}" font-weight="{weight}">'
                        f"{escape(words)}</text>")

    def row(self, label, events, color_of, label_of=lambda event: "", height=ROW, stroke=None):
        self.text(LEFT - 8, self.y + height / 2 + 4.5, label, "end")
        for event in events:
            if not self.shows(event):
                continue
            x, width = self.x(event["ts"]), max(self.x(end(event)) - self.x(event["ts"]), 0.7)
            line = f' stroke="{stroke}" stroke-width="0.6"' if stroke and width > 2 else ""
            rectangle = f'<rect x="{x:.1f}" y="{self.y}" width="{width:.1f}" height="{height}" fill="{color_of(event)}"{line}'
            tip = f"{event['name']} {event['dur']} us {json.dumps(event.get('args', {}))}"  # nobody can point at less than a few pixels
            self.out.append(f"{rectangle}><title>{escape(tip)}</title></rect>" if width > 3 else f"{rectangle}/>")
            words = label_of(event)
            if len(words) * 7.2 + 6 < width:
                self.text(x + width / 2, self.y + height / 2 + 4.5, words, "middle", contrast(color_of(event)), 12)
        self.y += height + GAP

    def axis(self, unit_us, unit):
        span = self.stop - self.begin
        step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000) if span / step <= 12 or step == 100000)
        for i in range(span // step + 1):
            x = self.x(self.begin + i * step)
            self.out.append(f'<line x1="{x:.1f}" y1="{self.top}" x2="{x:.1f}" y2="{self.y}" stroke="#D8D8D8" stroke-width="0.7"/>')
            self.text(x, self.y + 14, f"{i * step / unit_us:g}", "middle", FAINT, 12)
        self.text(LEFT - 8, self.y + 14, unit, "end", FAINT, 12)
        self.y += 24


def draw_rows(panel, events, is_close):
    spans = lambda thread, names: [event for event in events if event["tid"] == thread and event["ph"] == "X" and event["cat"] in names]
    work_color = lambda event: COLORS.get(event["name"], "#777777")
    grey = lambda event: SPANS[event["cat"]]
    axis_place = len(panel.out)
    arrivals_y = panel.y
    arrivals = spans(ARRIVALS, ("arrival",))
    panel.row("arrivals", [], grey, height=10)
    if not is_close:
        panel.row("game: frames", spans(GAME, ("frame",)), grey, lambda event: f"frame {event['args']['frame']}", stroke="#999999")
    tick_y = panel.y

    def call_name(event):
        return event["name"] + (f" ({event['args']['mode']})" if event["name"] == "tick" else "")

    def work_name(event):
        moved = event.get("args", {}).get("bytes", 0)
        return f"{moved / 1024:.0f} KiB" if moved >= 1024 else event["name"]
    panel.row("game: calls", spans(GAME, ("tick", "flush", "wait_until")), grey, call_name, stroke="#777777")
    panel.row("game: work", spans(GAME, ("turn", "phase")), work_color, work_name if is_close else lambda event: "", stroke="#FFFFFF")
    if any(panel.shows(event) for event in spans(BACKGROUND, ("background",))):
        panel.row("IO thread: runs", spans(BACKGROUND, ("background",)), grey, stroke="#777777")
        panel.row("IO thread: work", spans(BACKGROUND, ("turn", "phase")), work_color, stroke="#FFFFFF")
    for event in arrivals:
        stop = event["ts"] + event["args"]["wait_us"]
        if not panel.begin <= stop <= panel.stop:
            continue
        x1, x2, y = panel.x(event["ts"]), panel.x(stop), arrivals_y + 5
        panel.out.append(f'<path d="M{x1:.1f} {y} H{max(x2 - 12, x1):.1f} C{x2:.1f} {y} {x2:.1f} {y} {x2:.1f} {tick_y - 1}" '
                         'fill="none" stroke="#D55E00" stroke-width="1.2" marker-end="url(#arrow)"/>')
        if event["ts"] >= panel.begin:  # else it came before what is drawn
            panel.out.append(f'<circle cx="{x1:.1f}" cy="{y}" r="3" fill="#D55E00"/>')
    draw_marks(panel, events)
    drawn, panel.out[axis_place:] = panel.out[axis_place:], []
    panel.axis(1 if is_close else 1000, "microseconds" if is_close else "milliseconds")  # below the rest
    panel.out.extend(drawn)


def draw_marks(panel, events):
    """What has no length: a line across, its name above, in a second line where the first is taken."""
    taken = [0.0, 0.0]
    for event in events:
        if event["ph"] != "i" or not panel.begin <= event["ts"] < panel.stop:
            continue
        x = panel.x(event["ts"])
        line = 0 if taken[0] <= x else 1
        taken[line] = x + 9 * len(event["name"]) + 10
        panel.out.append(f'<line x1="{x:.1f}" y1="{panel.top - 4 - 16 * line}" x2="{x:.1f}" y2="{panel.y - GAP}" stroke="{INK}" stroke-width="1.4" '
                         'stroke-dasharray="5 3"/>')
        panel.text(x + 5, panel.top - 6 - 16 * line, event["name"], size=13, weight="bold")


def legend(out, y):
    x = LEFT
    for name in ("receive", "send", "accept", "poll", "command", "publish"):
        out.append(f'<rect x="{x}" y="{y - 11}" width="14" height="14" fill="{COLORS[name]}"/>'
                   f'<text x="{x + 20}" y="{y + 1}" fill="{INK}" font-size="13">{name}</text>')
        x += 112
    out.append(f'<path d="M{x} {y - 4} h26" stroke="#D55E00" stroke-width="1.4" marker-end="url(#arrow)"/><circle cx="{x}" cy="{y - 4}" r="2.6" '
               f'fill="#D55E00"/><text x="{x + 40}" y="{y + 1}" fill="{INK}" font-size="13">from the kernel to the game</text>')


def choose_frames(events, first, count):
    frames = [event for event in events if event["name"] == "frame"]
    if first is not None:
        place = next((i for i, frame in enumerate(frames) if frame["args"]["frame"] == first), None)
        if place is None:
            raise SystemExit(f"draw_trace.py: --frame is {first}, the trace has {frames[0]['args']['frame']} to {frames[-1]['args']['frame']}")
        return frames[place:place + count]
    # The switch around which most was moved on both sides, without a frame that came late for another reason if there is one such.
    usual_us = sorted(frame["dur"] for frame in frames)[len(frames) // 2]
    switches = [event["ts"] for event in events if event["name"] == "mode: threaded"]
    turns = [event["ts"] for event in events if event.get("cat") == "turn" and event["args"]["bytes"] > 0]
    best, best_worth = frames[:count], (False, 0)
    for switch in switches:
        place = max(next((i for i, frame in enumerate(frames) if end(frame) > switch), 0) - count // 2, 0)
        chosen = frames[place:place + count]
        before = sum(1 for turn in turns if chosen[0]["ts"] <= turn < switch)
        after = sum(1 for turn in turns if switch <= turn < end(chosen[-1]))
        worth = (max(frame["dur"] for frame in chosen) < 1.3 * usual_us, min(before, after))
        if len(chosen) == count and worth > best_worth:
            best, best_worth = chosen, worth
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("trace")
    parser.add_argument("picture")
    parser.add_argument("--frame", type=int, help="the first frame; default: around a switch to threaded mode")
    parser.add_argument("--frames", type=int, default=4)
    options = parser.parse_args()
    with open(options.trace) as file:
        events = [event for event in json.load(file)["traceEvents"] if event["ph"] != "M"]
    if options.frames < 1:
        raise SystemExit(f"draw_trace.py: --frames is {options.frames}, allowed is 1 or more")
    if not any(event["name"] == "frame" for event in events):
        raise SystemExit(f"draw_trace.py: {options.trace} has no frames; they are there if the engine calls TraceRecorder::add_frame")
    frames = choose_frames(events, options.frame, options.frames)
    begin, stop = frames[0]["ts"], end(frames[-1])
    ticks = [event for event in events if event["name"] == "tick" and begin <= event["ts"] < stop]
    turns = [event["ts"] for event in events if event.get("cat") == "turn" and event["tid"] == GAME]
    if not ticks:
        raise SystemExit("draw_trace.py: these frames have no tick any more, it was pushed out; choose later ones with --frame")
    busiest = max(ticks, key=lambda tick: sum(1 for turn in turns if tick["ts"] <= turn < end(tick)))
    shown = min(busiest["dur"], CLOSE_US)

    out = []
    first = Panel(out, begin, stop, 76)
    first.text(LEFT, 24, f"Frames {frames[0]['args']['frame']} to {frames[-1]['args']['frame']}", size=16, weight="bold")
    draw_rows(first, events, is_close=False)
    second = Panel(out, end(busiest) - shown, end(busiest) + shown // 12, first.y + 62)
    which = "The tick" if shown == busiest["dur"] else f"The last {shown} us of the tick"
    second.text(LEFT, first.y + 38, f"{which} of frame {busiest['args']['frame']} (it took {busiest['dur']} us, and published "
                f"{busiest['args']['published_bytes']:,} bytes)", size=16, weight="bold")
    near = [event for event in events if event["ph"] == "X" and (second.shows(event) or event["tid"] == ARRIVALS)]
    draw_rows(second, near, is_close=True)
    height = second.y + 40
    legend(out, height - 16)
    with open(options.picture, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
                   'font-family="DejaVu Sans, Verdana, sans-serif">\n'
                   '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
                   '<path d="M0 0 L8 4 L0 8 z" fill="#D55E00"/></marker></defs>\n'
                   f'<rect width="{WIDTH}" height="{height}" fill="#FFFFFF"/>\n' + "\n".join(out) + "\n</svg>\n")


main()
