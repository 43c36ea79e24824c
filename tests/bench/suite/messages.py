# SPDX-License-Identifier: MIT
"""Many connections: with a small message each in every frame, and with nothing at all."""

import contextlib
from typing import Iterator

from .model import OURS, Contestant, Context, Row, Target, missing
from .senders import running

BARE = "bare epoll and recv"
KEEPING = "... kept for gameplay after the tick"
DELAYING = "... and acknowledged late"
FPS = 20  # the sender of a thousand messages needs a third of a frame: a reader that is not done by then would chase it
ASIO = "asio, poll()"
LIBUV = "libuv, NOWAIT"


def messages(context: Context):
    connections, count = (50, 10) if context.smoke else (1000, 60 if context.quick else 100)
    shape = ["--connections", str(connections), "--messages", str(count), "--fps", str(FPS)]

    def reader(program: str, *more: str) -> list[str]:
        return [context.program(program), "--port", "{port}", *shape, *more]

    yield Row(
        "messages", f"{connections} streams, 64 bytes on each in every frame, {FPS} fps",
        [
            Contestant(OURS, reader("bench_messages_framepump")),
            Contestant(f"{OURS}, acknowledged at once", reader("bench_messages_framepump", "--ack-at-once")),
            Contestant(BARE, reader("bench_messages_bare")),
            Contestant(KEEPING, reader("bench_messages_bare", "--keep")),
            Contestant(DELAYING, reader("bench_messages_bare", "--keep", "--delay-acks")),
            Contestant(ASIO, reader("asio_messages"), skip=missing(context, "asio_messages")),
            Contestant(LIBUV, reader("uv_messages"), skip=missing(context, "uv_messages")),
            Contestant(f"{OURS}, threaded", reader("bench_messages_framepump", "--threaded")),
        ],
        {"cpu_ns": "CPU ns/message", "process_cpu_ns": "all threads' ns", "tick_us.p50": "tick p50 us", "tick_us.p99": "tick p99 us"},
        [
            Target("at most 1.15 x bare epoll and recv", lambda f: f.ratio(OURS, BARE, "cpu_ns"), at_most=1.15,
                   limit=lambda f: f.ratio(DELAYING, BARE, "cpu_ns")),
            Target("at most 0.9 x asio", lambda f: f.ratio(OURS, ASIO, "cpu_ns"), at_most=0.9,
                   limit=lambda f: f.ratio(DELAYING, ASIO, "cpu_ns")),
            Target("at most 0.9 x libuv", lambda f: f.ratio(OURS, LIBUV, "cpu_ns"), at_most=0.9,
                   limit=lambda f: f.ratio(DELAYING, LIBUV, "cpu_ns")),
        ],
        rounds=context.rounds(9),
        parameters={"connections": connections},
        setting=lambda: running([context.program("bench_messenger"), *shape]),
    )


def idle(context: Context):
    """One row, in which each number of streams is a contestant of its own: the target compares them with each other."""
    counts = [10, 100] if context.smoke else [10, 1_000, 10_000]
    frames = "20" if context.smoke else "400"
    few, many = counts[0], counts[-1]

    def ticker(count: int, *more: str) -> list[str]:
        return [context.program("bench_idle"), "--port", f"{{port_{count}}}", "--connections", str(count), "--messages", frames, *more]

    @contextlib.contextmanager
    def messengers() -> Iterator[dict]:
        with contextlib.ExitStack() as stack:
            names = {}
            for count in counts:
                messenger = running([context.program("bench_messenger"), "--idle", "--connections", str(count)])
                names[f"port_{count}"] = stack.enter_context(messenger)["port"]
            yield names

    def streams(count: int) -> str:
        return OURS if count == many else f"{OURS}, {count:,} streams"

    yield Row(
        "idle", f"a tick beside {many:,} streams on which nothing happens",
        [
            *(Contestant(streams(count), ticker(count)) for count in reversed(counts)),
            *(Contestant(f"bare epoll_wait, {count:,} sockets", ticker(count, "--bare")) for count in reversed(counts)),
        ],
        {"tick_ns.p50": "tick p50 ns", "tick_ns.p99": "tick p99 ns", "bytes_per_stream": "bytes/stream"},
        [
            Target(f"median tick with {many:,} at most 1.5 x that with {few}",
                   lambda f: f.ratio(streams(many), streams(few), "tick_ns.p50"), at_most=1.5),
            Target("user memory of an idle stream at most 512 bytes", lambda f: f.median(streams(many), "bytes_per_stream"), at_most=512),
        ],
        rounds=context.rounds(5),
        setting=messengers,
    )


BENCHMARKS = {"messages": messages, "idle": idle}
