# SPDX-License-Identifier: MIT
"""One large stream over loopback: locked, threaded, waiting."""

from .model import OURS, Contestant, Context, Row, Target, missing
from .senders import running

SLICE_US = 2000
BARE_DRAIN = "bare drain loop"
BARE_RAISED = "bare drain loop, window raised"
BLOCKING = "blocking thread"


def reader(context: Context, program: str, size: int, *more: str) -> list[str]:
    return [context.program(program), "--port", "{port}", "--bytes", str(size), *more]


def sender(context: Context, size: int):
    return lambda: running(["nice", "-n", "19", context.program("bench_sender"), "--bytes", str(size)])


def locked(context: Context):
    size = 4_000_000 if context.smoke else 115_000_000
    for fps in [30] if context.smoke else [30, 60, 144]:
        frame = ["--fps", str(fps), "--slice-us", str(SLICE_US)]
        yield Row(
            "bulk_locked", f"{size // 1_000_000} MB over loopback, slice {SLICE_US} us, {fps} fps",
            [
                Contestant(OURS, reader(context, "bench_bulk_framepump", size, *frame)),
                Contestant(BARE_DRAIN, reader(context, "bench_bulk_bare", size, "--drain", *frame)),
                Contestant(BARE_RAISED, reader(context, "bench_bulk_bare", size, "--drain", "--raise-window", *frame)),
                Contestant("io_uring multishot receive", reader(context, "uring_bulk", size, *frame), skip=missing(context, "uring_bulk")),
                Contestant(BLOCKING, reader(context, "bench_bulk_bare", size, "--blocking")),
            ],
            {"mb_per_s": "MB/s", "seconds": "seconds", "tick_us.p50": "tick p50 us", "tick_us.p99": "tick p99 us",
             "tick_us.max": "longest us", "tick_cpu_us.p99": "its CPU p99 us"},
            [
                Target("at least 0.95 x the bare drain loop", lambda f: f.ratio(OURS, BARE_DRAIN, "mb_per_s"), at_least=0.95),
                Target("tick p99 at most slice + 100 us", lambda f: f.median(OURS, "tick_us.p99"), at_most=SLICE_US + 100,
                       limit=lambda f: f.median(BARE_DRAIN, "tick_us.p99")),
            ],
            rounds=context.rounds(9),
            parameters={"fps": fps, "slice_us": SLICE_US},
            setting=sender(context, size),
        )


BENCHMARKS = {"bulk_locked": locked}
