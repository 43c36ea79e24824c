# SPDX-License-Identifier: MIT
"""Thousands of connects at once into a server of 30 frames a second."""

import contextlib
import os
from math import nan
from typing import Iterator

from . import machine
from .model import OURS, Contestant, Context, Row, Target
from .senders import running

SLICE_US = 2000
FPS = 30
BARE = "bare accept loop"
SECOND_THREAD = "... in a process of two threads"


SOMAXCONN = "/proc/sys/net/core/somaxconn"
ENOUGH = 8192


def somaxconn() -> int:
    return int(machine.sysctl(SOMAXCONN) or ENOUGH)


def raised_somaxconn():
    """Connects beyond the kernel's queue are turned away and try again a second later, and whether some are is what a few microseconds
    decide."""
    return machine.changed_sysctl(SOMAXCONN, str(max(ENOUGH, somaxconn())))


@contextlib.contextmanager
def storm_program(context: Context) -> Iterator[dict]:
    with raised_somaxconn(), running([context.program("bench_storm")]) as names:
        yield names


def storm(context: Context, clients: int) -> Row:
    def server(who: str, *more: str) -> list[str]:
        return [context.program(f"bench_accept_{who}"), "--control", "{control}", "--clients", str(clients), "--fps", str(FPS),
                "--slice-us", str(SLICE_US), *more]

    def longest(figures, who: str) -> float:
        return max(figures.all(who, "tick_cpu_us.max"), default=nan)

    targets = [Target("longest tick at most slice + 200 us of processor time", lambda f: longest(f, OURS), at_most=SLICE_US + 200,
                      limit=lambda f: longest(f, BARE))]
    if clients <= 1000:
        targets.append(Target("all accepted within 5 frames", lambda f: f.median(OURS, "accept_frames"), at_most=5,
                              limit=lambda f: f.median(SECOND_THREAD, "accept_frames")))
    else:
        # By the tick, since whole frames are too coarse for a tenth: the bare loop needs eleven to fourteen of them.
        targets.append(Target("accepts in a full tick at least 0.9 x the bare loop's", lambda f: f.ratio(OURS, BARE, "accepted_per_tick"),
                              at_least=0.9, limit=lambda f: f.ratio(SECOND_THREAD, BARE, "accepted_per_tick")))
    is_short = somaxconn() < clients and not os.access(SOMAXCONN, os.W_OK)
    short = f"; only net.core.somaxconn = {somaxconn()} of them can wait to be accepted" if is_short else ""
    return Row(
        "accept_storm", f"{clients:,} connects at once, slice {SLICE_US} us, {FPS} fps{short}",
        [
            Contestant(OURS, server("framepump")),
            Contestant(BARE, server("bare")),
            Contestant(SECOND_THREAD, server("bare", "--second-thread")),
            Contestant(f"{OURS}, threaded", server("framepump", "--threaded")),
        ],
        {"accept_seconds": "seconds", "accept_frames": "frames", "accepted_per_tick": "in a full tick", "tick_us.max": "longest us",
         "tick_cpu_us.max": "its CPU us", "overruns.wall": "overruns wall", "overruns.cpu": "overruns CPU", "connect_seconds": "connecting s"},
        targets,
        rounds=context.rounds(25),
        setting=lambda: storm_program(context),
    )


def rows(context: Context):
    for clients in [200] if context.smoke else [1000, 5000]:
        yield storm(context, clients)


BENCHMARKS = {"accept_storm": rows}
