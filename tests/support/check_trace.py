# SPDX-License-Identifier: MIT
"""usage: check_trace.py FILE [REQUIREMENT...]

Whether a trace of a real run is whole. Each REQUIREMENT is NAME>=N: at least so many events of that name, or that begin with it
("mode:"). Prints `ok NAME` or `FAIL NAME: why` for each check.
"""

import collections
import json
import sys

GAME, BACKGROUND, ARRIVALS = 1, 2, 3
HOLDERS = {"tick", "flush", "wait_until", "background"}


def end(event):
    return event["ts"] + event["dur"]


def say(events, limit=3):
    return "; ".join(json.dumps(event) for event in events[:limit])


def verdict(name, offences):
    print(f"FAIL trace: {name}: {offences}" if offences else f"ok trace: {name}")


def not_inside(inner, outer):
    """Those of `inner` that do not lie in one of `outer`, which do not overlap. Both by time."""
    lost, place = [], 0
    for event in inner:
        while place < len(outer) and end(outer[place]) < end(event):
            place += 1
        if place == len(outer) or outer[place]["ts"] > event["ts"]:
            lost.append(event)
    return lost


def overlapping(spans):
    return [b for a, b in zip(spans, spans[1:]) if b["ts"] < end(a)]


def check(events, requirements):
    timed = [event for event in events if event["ph"] != "M"]
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    verdict("threads have names", "" if names.get(GAME) == "game" and names.get(BACKGROUND) == "framepump-io" else str(names))

    backwards, newest = [], collections.defaultdict(int)
    for event in timed:
        if event["ts"] < newest[event["tid"]]:
            backwards.append(event)
        newest[event["tid"]] = event["ts"]
    verdict("time goes on within each thread", say(backwards))
    verdict("no span ends before it begins", say([event for event in timed if event.get("dur", 0) < 0]))

    for thread in (GAME, BACKGROUND):
        here = [event for event in timed if event["tid"] == thread and event["ph"] == "X"]
        holders = [event for event in here if event["cat"] in HOLDERS]
        work = [event for event in here if event["cat"] in ("turn", "phase")]
        verdict(f"on {names.get(thread)}: each turn and phase lies within a tick, flush, wait or background run", say(not_inside(work, holders)))
        verdict(f"on {names.get(thread)}: turns and phases follow each other, as do those that hold them",
                say(overlapping(work) + overlapping(holders)))
    frames = [event for event in timed if event["name"] == "frame"]
    ticks = [event for event in timed if event["name"] == "tick"]
    # The newest tick may belong to a frame that was left; the oldest frame may have lost its tick to newer events.
    verdict("each tick lies within a frame", say(not_inside([tick for tick in ticks if frames and end(tick) <= end(frames[-1])], frames)))
    numbers = [tick["args"]["frame"] for tick in ticks]
    verdict("ticks are numbered one by one", str(numbers[:50]) if any(b != a + 1 for a, b in zip(numbers, numbers[1:])) else "")

    starts = {event["id"]: event for event in timed if event["ph"] == "s"}
    finishes = {event["id"]: event for event in timed if event["ph"] == "f"}
    verdict("arrows have two ends", "" if starts.keys() == finishes.keys() else str(sorted(starts.keys() ^ finishes.keys())[:20]))
    verdict("arrows go forward", say([finishes[key] for key in starts if key in finishes and finishes[key]["ts"] < starts[key]["ts"]]))
    points = sorted(({**event, "dur": 0} for event in finishes.values()), key=lambda event: event["ts"])
    verdict("arrows end in a tick", say(not_inside(points, ticks)))
    marks = {event["ts"] for event in timed if event["name"] == "arrival"}
    verdict("arrows begin at an arrival", say([event for event in starts.values() if event["ts"] not in marks]))

    nameless = [event for event in timed if event.get("cat") == "turn" and not event["args"]["source"].startswith("0x")]
    verdict("each turn names its source", say(nameless))
    for requirement in requirements:
        name, least = requirement.split(">=")
        count = sum(1 for event in timed if event["name"].startswith(name) and event["ph"] != "s" and event["ph"] != "f")
        verdict(f"at least {least} of {name}", "" if count >= int(least) else f"it has {count}")


def main():
    try:
        with open(sys.argv[1]) as file:
            trace = json.load(file)
    except (OSError, ValueError) as error:
        verdict("it is a JSON file", str(error))
        return
    verdict("it is a JSON file", "")
    check(trace["traceEvents"], sys.argv[2:])


main()
