# SPDX-License-Identifier: MIT
"""From a sender's send to gameplay, and back."""

from .model import OURS, Contestant, Context, Figures, Row, Target
from .senders import running

BARE = "drain once per frame"
BARE_THREAD = "a thread in recv, gameplay takes once per frame"
THREADED = f"{OURS}, threaded"
MODES = {OURS: [], f"{OURS}, waiting": ["--wait"], THREADED: ["--threaded"]}


def like(name: str) -> str:
    """Who does with bare system calls what this one does."""
    return BARE_THREAD if name == THREADED else BARE


def late_percent(figures: Figures, name: str, in_time: str) -> float:
    return 100 - figures.mean(name, in_time)


def talker(context: Context):
    return lambda: running([context.program("bench_talker")])


def player(context: Context, who: str, fps: int, count: int, *more: str) -> list[str]:
    return [context.program(f"bench_latency_{who}"), "--talker", "{talker}", "--fps", str(fps), "--count", str(count), *more]


def one_way(context: Context, fps: int) -> Row:
    count = 20 if context.smoke else 1200
    contestants = [Contestant(name, player(context, "framepump", fps, count, *mode)) for name, mode in MODES.items()]
    contestants.append(Contestant(BARE, player(context, "bare", fps, count)))
    contestants.append(Contestant(BARE_THREAD, player(context, "bare", fps, count, "--threaded")))
    frame_us = 1e6 / fps
    # A stamp that is sent right after a tick looked waits for the next one: the tick's own time comes on top of the frame.
    targets = [Target(f"{name}: p99 at most one frame", lambda f, name=name: f.pooled_p99(name, "waits_us"), at_most=frame_us,
                      limit=lambda f, name=name: f.pooled_p99(like(name), "waits_us")) for name in MODES]
    first = "wait_frames.first_tick_percent"
    targets += [Target(f"{name}: at most 1 % not seen by the first tick after it", lambda f, name=name: late_percent(f, name, first),
                       at_most=1, limit=lambda f, name=name: late_percent(f, like(name), first)) for name in MODES]
    return Row("latency", f"from send to readable, {fps} fps (a frame is {frame_us:,.0f} us)", contestants,
               {"wait_us.p99": "p99 us", "wait_us.p50": "p50 us", "wait_us.max": "longest us",
                "wait_frames.first_tick_percent": "% in first tick",
                "wait_frames.max": "most frames"},
               targets, rounds=context.rounds(5), setting=talker(context))


def echo(context: Context, fps: int) -> Row:
    count = 5 if context.smoke else 100
    contestants = []
    for name, mode in MODES.items():
        contestants.append(Contestant(name, player(context, "framepump", fps, count, "--echo", *mode)))
        contestants.append(Contestant(f"{name}, without flush", player(context, "framepump", fps, count, "--echo", "--no-flush", *mode)))
    contestants.append(Contestant(BARE, player(context, "bare", fps, count, "--echo")))
    contestants.append(Contestant(BARE_THREAD, player(context, "bare", fps, count, "--echo", "--threaded")))
    in_frame = "in_frame_percent"
    targets = [Target(f"{name}: at most 1 % of the echoes are not back within the frame that read the bytes",
                      lambda f, name=name: late_percent(f, name, in_frame), at_most=1,
                      limit=lambda f, name=name: late_percent(f, like(name), in_frame)) for name in MODES]
    return Row("latency", f"echo, {fps} fps", contestants,
               {"round_trip_us.p50": "round trip p50", "round_trip_us.p99": "p99 us", "after_tick_us.p50": "after tick p50",
                "after_tick_us.p99": "p99 us", "in_frame_percent": "% in frame"},
               targets, rounds=context.rounds(5), setting=talker(context))


def rows(context: Context):
    for fps in [60] if context.smoke else [30, 60]:
        yield one_way(context, fps)
        yield echo(context, fps)


BENCHMARKS = {"latency": rows}
