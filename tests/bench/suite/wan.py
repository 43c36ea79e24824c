# SPDX-License-Identifier: MIT
"""Streams over emulated links: round trip, rate and loss against a reader that comes once per frame."""

import contextlib
import os
import socket
from math import nan
from typing import Iterator

from . import machine, veth
from .model import OURS, Contestant, Context, Figures, Row, Target
from .senders import running

BLOCKING = "blocking thread"
KERNEL_WINDOW = int(veth.STOCK_TCP_RMEM.split()[2]) // 2  # half of the stock tcp_rmem[2]: what a receiver can be promised
STOCK_RMEM_MAX = "212992"
RMEM_MAX = "/proc/sys/net/core/rmem_max"
# A frame's worth of 900 Mbit/s in packets of 1,500 bytes takes 3 ms of processor time: with a slice of 2 ms a frame-locked reader at 30 fps
# has 65 to 77 MB/s and the bare loop 78 to 83, whatever the window. These rows are about the window, so nobody's slice ends them; one more
# is about the slice.
SLICE_US = 6000
SLICE = ["--slice-us", str(SLICE_US)]
SHAPE = "packets of 1,500 bytes, unmerged (TUN)"


@contextlib.contextmanager
def stock_limits() -> Iterator[dict]:
    """net.core.rmem_max is the machine's, so it is put back; tcp_rmem is each namespace's own, and bench_link sets it."""
    with machine.changed_sysctl(RMEM_MAX, STOCK_RMEM_MAX):
        yield {}


def unlowered() -> str:
    """Said in the row where the limit is not stock and stays so."""
    now = machine.sysctl(RMEM_MAX)
    return "" if now in (None, STOCK_RMEM_MAX) or os.access(RMEM_MAX, os.W_OK) else f"; net.core.rmem_max stays {now}"


def why_not(congestion: str) -> str | None:
    if os.geteuid() != 0:
        return "an emulated link needs root"
    if not os.path.exists("/dev/net/tun"):
        return "an emulated link needs /dev/net/tun"
    return missing_congestion(congestion)


def missing_congestion(name: str) -> str | None:
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
        except OSError:
            return f"this kernel has no {name}"
    return None


class Link:
    def __init__(self, context: Context, rtt_ms: float, mbit: float, congestion: str = "cubic", loss_percent: float = 0, size: int = 0):
        self.context = context
        self.rtt_ms, self.mbit, self.congestion, self.loss_percent = rtt_ms, mbit, congestion, loss_percent
        self.size = size or int(mbit * 1e6 / 8 * (0.2 if context.smoke else 2))

    def contestant(self, name: str, program: str, *more: str, size: int = 0) -> Contestant:
        size = size or self.size
        return Contestant(name, self.command(size, self.context.program(program), *more), skip=why_not(self.congestion))

    def command(self, size: int, *contestant: str, sender: list[str] = []) -> list[str]:
        """`sender`: what bench_link is told of it besides."""
        return [
            self.context.program("bench_link"), "--rtt-ms", str(self.rtt_ms), "--mbit", str(self.mbit), "--congestion", self.congestion,
            "--loss-percent", str(self.loss_percent), "--seed", "{round}", "--bytes", str(size),
            "--sender", self.context.program("bench_sender"), *sender, "--", *contestant]

    def ours(self, name: str, fps: int, *more: str) -> Contestant:
        return self.contestant(name, "bench_bulk_framepump", "--fps", str(fps), *more)

    def bare(self, name: str, *more: str) -> Contestant:
        return self.contestant(name, "bench_bulk_bare", *more)

    def slow(self, name: str, *more: str) -> Contestant:
        """Readers that the kernel holds to a window per frame get a tenth: on a fast link they would take minutes for the whole."""
        size = self.slow_size()
        return self.contestant(f"{name} ({size / 1e6:g} MB)", "bench_bulk_bare", "--drain", *SLICE, *more, size=size)

    def plain(self) -> list[Contestant]:
        """What the kernel does to a reader without the window rule; it is the reader's side alone, so one kind of sender shows it."""
        if self.congestion != "cubic":
            return []
        return [
            self.slow("bare drain loop, 60 fps", "--fps", "60"),
            self.slow("bare drain loop, 30 fps", "--fps", "30"),
            self.slow("... with SO_RCVBUF 4 MB, 30 fps", "--fps", "30", "--receive-buffer", "4000000"),
        ]

    def slow_size(self) -> int:
        return max(1_000_000, self.size // 10)

    shape = "unmerged"

    def setting(self):
        return stock_limits()

    def bound(self, fps: int) -> float:
        """What may be asked for: where a frame's worth does not fit the kernel's window, less."""
        in_flight = self.mbit * 1e6 / 8 * (self.rtt_ms / 1000 + 1 / fps)
        if self.loss_percent:
            return 0.85
        return 0.90 if in_flight > KERNEL_WINDOW else 0.97 if fps >= 60 else 0.95

    def describe(self) -> str:
        loss = f", {self.loss_percent:g} % loss" if self.loss_percent else ""
        return f"{self.rtt_ms:g} ms, {self.mbit:g} Mbit/s, {self.congestion}{loss}; {self.size / 1e6:g} MB in {SHAPE}{unlowered()}"


def raised(fps: int) -> str:
    return f"bare drain loop, window raised, {fps} fps"


def wan_row(link: Link, rounds: int) -> Row:
    slow = f"{OURS}, 30 fps"

    def target(name: str, fps: int) -> Target:
        bound = link.bound(fps)
        return Target(f"{fps} fps: at least {bound} x the blocking thread", lambda f: f.ratio(name, BLOCKING, "mb_per_s"), at_least=bound,
                      limit=lambda f: f.ratio(raised(fps), BLOCKING, "mb_per_s"))

    return Row(
        "wan", f"{link.describe()}; slice {SLICE_US // 1000} ms",
        [
            link.ours(OURS, 60, *SLICE),
            link.ours(slow, 30, *SLICE),
            link.bare(BLOCKING, "--blocking"),
            link.bare(raised(60), "--drain", "--raise-window", *SLICE, "--fps", "60"),
            link.bare(raised(30), "--drain", "--raise-window", *SLICE, "--fps", "30"),
            *link.plain(),
        ],
        {"mb_per_s": "MB/s", "seconds": "seconds"},
        [target(OURS, 60), target(slow, 30)],
        rounds=rounds,
        parameters={"rtt_ms": link.rtt_ms, "mbit": link.mbit, "congestion": link.congestion, "loss": link.loss_percent, "shape": link.shape},
        setting=link.setting,
    )


def short_slice_row(link: Link, rounds: int) -> Row:
    """The default slice, which ends the frames of a fast link: FramePump and the bare loop under the same."""
    slice_us = ["--slice-us", "2000"]
    names = {60: OURS, 30: f"{OURS}, 30 fps"}

    def exact(fps: int) -> str:
        return f"... and 64 KiB a look at the clock, {fps} fps"

    def reader(name: str, fps: int, *more: str) -> Contestant:
        return link.bare(name, "--drain", "--raise-window", *slice_us, "--fps", str(fps), *more)

    return Row(
        "wan", f"{link.describe()}; slice 2 ms",
        [
            *(link.ours(name, fps, *slice_us) for fps, name in names.items()),
            *(reader(raised(fps), fps) for fps in names),
            *(reader(exact(fps), fps, "--read-kib", "64") for fps in names),
            link.bare(BLOCKING, "--blocking"),
        ],
        {"mb_per_s": "MB/s", "seconds": "seconds", "tick_us.p50": "tick p50 us", "tick_us.p99": "tick p99 us"},
        # That loop looks at the clock after each 256 KiB, and so reads beyond the slice.
        [Target(f"{fps} fps: at least 0.95 x the bare loop under the same slice",
                lambda f, fps=fps, name=name: f.ratio(name, raised(fps), "mb_per_s"), at_least=0.95,
                limit=lambda f, fps=fps: f.ratio(exact(fps), raised(fps), "mb_per_s")) for fps, name in names.items()],
        rounds=rounds,
        parameters={"rtt_ms": link.rtt_ms, "mbit": link.mbit, "congestion": link.congestion, "shape": "unmerged, slice 2 ms"},
        setting=link.setting,
    )


class MergedLink(Link):
    """Behind veth, where the round trip is the time that the queue takes to drain."""

    shape = "merged"

    def contestant(self, name: str, program: str, *more: str, size: int = 0) -> Contestant:
        size = size or self.size
        command = veth.unprivileged(self.context.program(program), *more, "--host", veth.SENDER_ADDRESS, "--port", f"{{port_{size}}}",
                                    "--bytes", str(size))
        return Contestant(name, command, skip=veth.why_not() or missing_congestion(self.congestion))

    def describe(self) -> str:
        return f"{self.mbit:g} Mbit/s with a queue of {self.rtt_ms:g} ms, {self.congestion}; {self.size / 1e6:g} MB in {veth.SHAPE}{unlowered()}"

    @contextlib.contextmanager
    def setting(self) -> Iterator[dict]:
        if veth.why_not() is not None:
            yield {}
            return
        with contextlib.ExitStack() as stack:
            names = stack.enter_context(stock_limits())
            stack.enter_context(veth.link(self.mbit, self.rtt_ms))
            for size in (self.size, self.slow_size()):
                greeting = stack.enter_context(running(veth.inside(
                    veth.SENDER, self.context.program("bench_sender"), "--host", veth.SENDER_ADDRESS, "--bytes", str(size),
                    "--congestion", self.congestion)))
                names[f"port_{size}"] = greeting["port"]
            yield names


def wan(context: Context):
    rtts, rates, controls = [4, 10, 50, 150], [50, 100, 500, 900], ["cubic", "bbr"]
    if context.smoke:
        links = [Link(context, 4, 50)]
    elif context.quick:
        links = [Link(context, rtt, rate) for rtt, rate in zip(rtts, reversed(rates))]
    else:
        links = [Link(context, rtt, rate, control) for rtt in rtts for rate in rates for control in controls]
    for link in links:
        yield wan_row(link, context.rounds(3))
    if not context.smoke:
        yield short_slice_row(Link(context, 10, 900), context.rounds(9))
        # 0.1 % of loss leaves cubic about 11 MB/s at 10 ms and 2.6 MB/s at 50 ms: some seconds of that.
        for rtt, size in [(10, 50_000_000)] if context.quick else [(10, 50_000_000), (50, 20_000_000)]:
            yield wan_row(Link(context, rtt, 200, loss_percent=0.1, size=size), context.rounds(7))
        for queue_ms, rate in [(10, 500)] if context.quick else [(4, 500), (10, 100), (10, 500), (10, 900), (50, 500)]:
            yield wan_row(MergedLink(context, queue_ms, rate), context.rounds(3))


def frame_rate_free(context: Context):
    link = Link(context, 20, 80, size=1_000_000 if context.smoke else 16 * 1024 * 1024)
    rates = [30] if context.smoke else [20, 30, 60, 144]

    def name(fps: int) -> str:
        return OURS if fps == rates[-1] else f"{OURS}, {fps} fps"

    def apart(figures: Figures) -> float:
        speeds = [figures.median(name(fps), "mb_per_s") for fps in rates]
        return min(speeds) / max(speeds) if all(speed > 0 for speed in speeds) else nan

    yield Row(
        "frame_rate_free", link.describe(),
        [*(link.ours(name(fps), fps) for fps in reversed(rates)), link.bare(BLOCKING, "--blocking")],
        {"mb_per_s": "MB/s", "seconds": "seconds"},
        [
            Target("slowest frame rate, of the fastest", apart, at_least=0.95),
            Target("slowest frame rate, of the link as a blocking thread fills it",
                   lambda f: min(f.ratio(name(fps), BLOCKING, "mb_per_s") for fps in rates), at_least=0.95),
        ],
        rounds=context.rounds(3),
        parameters={"rtt_ms": link.rtt_ms, "mbit": link.mbit},
        setting=stock_limits,
    )


BENCHMARKS = {"wan": wan, "frame_rate_free": frame_rate_free}
