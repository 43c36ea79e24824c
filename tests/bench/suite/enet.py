# SPDX-License-Identifier: MIT
"""Datagrams: the server of a swarm of players, the same with a game thread that hitches, and reliable bulk."""

from math import nan

from .model import OURS, Contestant, Context, Row, Target
from .senders import running

LOCKED = f"{OURS}, frame-locked"
# As in a game, whose malloc and system calls lock, since it has more threads than one; so has FramePump's process, the guard against
# stalls.
SERVICE = "enet_host_service loop"
CHECK = "... and check_events"
ALONE = "... in a process of one thread"
PAUSELESS = "... pumped without pause"
FPS = 30


def players(context: Context):
    return lambda: running([context.program("bench_enet_players")])


def receiver(context: Context, who: str, *more: str) -> list[str]:
    return [context.program(f"bench_enet_{who}"), "--control", "{control}", "--enet", "{enet}", "--fps", str(FPS), *more]


def steady(context: Context) -> Row:
    clients, rate = 200, 60
    work = ["--swarm", "--clients", str(clients), "--rate", str(rate), "--seconds", "0.3" if context.smoke else "4"]
    return Row(
        "enet", f"{clients} players x {rate} messages a second into a {FPS} Hz server",
        [
            Contestant(OURS, receiver(context, "framepump", *work)),
            Contestant(SERVICE, receiver(context, "bare", "--second-thread", *work)),
            Contestant(CHECK, receiver(context, "bare", "--second-thread", "--check-events", *work)),
            Contestant(ALONE, receiver(context, "bare", *work)),
            Contestant(f"{OURS}, threaded", receiver(context, "framepump", "--threaded", *work)),
        ],
        {"tick_cpu_ns_per_message": "tick ns/message", "process_cpu_ns_per_message": "process ns/msg", "tick_us.p50": "tick p50 us",
         "tick_us.p99": "tick p99 us", "lost": "lost", "received": "received"},
        [Target(f"tick cost at most 1.1 x {other}", lambda f, other=other: f.ratio(OURS, other, "tick_cpu_ns_per_message"), at_most=1.1)
         for other in (SERVICE, CHECK)] +
        [Target("loses no more than the loops", lambda f: f.median(OURS, "lost") - f.median(SERVICE, "lost"), at_most=0)],
        rounds=context.rounds(7),
        setting=players(context),
    )


def hitching(context: Context, hitch_ms: int) -> Row:
    work = ["--swarm", "--clients", "200", "--rate", "60", "--hitch-ms", str(hitch_ms), "--seconds", "0.7" if context.smoke else "4"]
    return Row(
        "enet", f"the same, with the game thread away for {hitch_ms} ms once a second; {OURS} is threaded",
        [
            Contestant(OURS, receiver(context, "framepump", "--threaded", *work)),
            Contestant(LOCKED, receiver(context, "framepump", *work)),
            Contestant(SERVICE, receiver(context, "bare", *work)),
        ],
        {"lost_per_hitch": "lost per hitch", "lost": "lost", "kernel_drops": "kernel drops", "hitches": "hitches", "received": "received"},
        [
            Target("no datagram lost to the hitch", lambda f: max(f.all(OURS, "lost"), default=nan), at_most=0),
            Target("nor dropped by the kernel", lambda f: max(f.all(OURS, "kernel_drops"), default=nan), at_most=0),
        ],
        rounds=context.rounds(3),
        setting=players(context),
    )


def bulk(context: Context) -> Row:
    work = ["--bulk", "--seconds", "0.3" if context.smoke else "3"]
    return Row(
        "enet", f"reliable bulk from a sender that is pumped without pause, {FPS} Hz; {OURS} is threaded",
        [
            Contestant(OURS, receiver(context, "framepump", "--threaded", *work)),
            Contestant(LOCKED, receiver(context, "framepump", *work)),
            Contestant(SERVICE, receiver(context, "bare", *work)),
            Contestant(PAUSELESS, receiver(context, "bare", "--without-pause", *work)),
        ],
        {"mb_per_s": "MB/s", "tick_us.p50": "tick p50 us", "tick_us.p99": "tick p99 us"},
        [Target("at least 50 x ENet pumped once per frame", lambda f: f.ratio(OURS, SERVICE, "mb_per_s"), at_least=50,
                limit=lambda f: f.ratio(PAUSELESS, SERVICE, "mb_per_s"))],
        rounds=context.rounds(5),
        setting=players(context),
    )


def rows(context: Context):
    yield steady(context)
    for hitch_ms in [100] if context.smoke else [100, 250]:
        yield hitching(context, hitch_ms)
    yield bulk(context)


BENCHMARKS = {"enet": rows}
