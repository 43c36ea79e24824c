# SPDX-License-Identifier: MIT
"""A firehose must not keep waiting what matters: trickles beside it, and the snapshots of an ENet server."""

import contextlib
from typing import Iterator

from .model import OURS, Contestant, Context, Row, Target
from .senders import running

FPS = 30
SLICE_US = 2000
LONGEST_TICK_US = SLICE_US + 1000  # as in bulk_locked
FRAME_US = 1e6 / FPS
TRICKLES = 200
ALONE = f"{OURS}, firehose alone"
COLUMNS = {"wait_frames.p99": "p99 in frames", "wait_frames.max": "most frames", "wait_us.p50": "wait p50 us", "wait_us.p99": "wait p99 us",
           "mb_per_s": "MB/s beside it", "tick_us.p99": "tick p99 us",
           "overruns.wall": "overruns wall", "overruns.cpu": "overruns CPU"}


@contextlib.contextmanager
def talkers(context: Context) -> Iterator[dict]:
    with running([context.program("bench_talker")]) as talker, running([context.program("bench_enet_players")]) as players:
        yield {**talker, **players}


def reader(context: Context, who: str, *more: str) -> list[str]:
    return [context.program(f"bench_fairness_{who}"), "--talker", "{talker}", "--fps", str(FPS), "--slice-us", str(SLICE_US),
            "--seconds", "0.3" if context.smoke else "4", *more]


BARE = "epoll, 64 KiB of each in turn, window raised"
BARE_ALONE = "... firehose alone"


def targets(ours: str, alone: str, what: str) -> list[Target]:
    # What the trickles take of a slice, the firehose cannot have. On a thread and in wait_until there is time for both.
    limit = (lambda f: f.ratio(BARE, BARE_ALONE, "mb_per_s")) if ours == OURS else None
    return [
        Target(f"{ours}: p99 of {what} wait at most one frame", lambda f: f.median(ours, "wait_frames.p99"), at_most=1),
        # What comes right after the tick looked is handed out at the end of the next one, and the machine begins some frames late.
        Target(f"{ours}: p99 of {what} wait at most {FRAME_US + LONGEST_TICK_US:,.0f} us", lambda f: f.median(ours, "wait_us.p99"),
               at_most=FRAME_US + LONGEST_TICK_US, limit=lambda f: f.median(BARE, "wait_us.p99")),
        Target(f"{ours}: at least 0.8 of the firehose's solo speed", lambda f: f.ratio(ours, alone, "mb_per_s"), at_least=0.8,
               limit=limit),
    ]


def row(context: Context, work: str, what: str, beside: list[str], bare: list[Contestant]) -> Row:
    modes = {OURS: [], f"{OURS}, waiting": ["--wait"], f"{OURS}, threaded": ["--threaded"]}
    alone = {OURS: ALONE, f"{OURS}, waiting": f"{ALONE}, waiting", f"{OURS}, threaded": f"{ALONE}, threaded"}
    ours = [Contestant(name, reader(context, "framepump", *mode, *beside)) for name, mode in modes.items()]
    solo = [Contestant(alone[name], reader(context, "framepump", *mode)) for name, mode in modes.items()]
    raised = ["--round-robin", "--raise-window"]
    alike = [Contestant(BARE, reader(context, "bare", *raised, *beside)), Contestant(BARE_ALONE, reader(context, "bare", *raised))]
    return Row("fairness", f"{work}, slice {SLICE_US} us, {FPS} fps", ours + solo + bare + alike, COLUMNS,
               [target for name in modes for target in targets(name, alone[name], what)],
               # Two bad rounds of three are the median: once 136 and 142 MB/s, where the median of five more was 201.
               rounds=context.rounds(5), setting=lambda: talkers(context))


def rows(context: Context):
    trickles = ["--trickles", str(TRICKLES), "--interval-us", "100000"]
    yield row(context, f"1 firehose, {TRICKLES} trickles of 16 bytes ten times a second", "trickles", trickles, [
        Contestant("epoll, each until EAGAIN", reader(context, "bare", *trickles)),
        Contestant("epoll, 64 KiB of each in turn", reader(context, "bare", "--round-robin", *trickles)),
    ])
    yield row(context, "a download while 59 snapshots of 1,000 bytes a second come by ENet", "snapshots", ["--enet", "{enet}"], [])


BENCHMARKS = {"fairness": rows}
