# SPDX-License-Identifier: MIT
"""One large stream over loopback: locked, threaded, waiting."""

import contextlib
import os
import shutil
from typing import Iterator, Optional

from . import web_server
from .certificate import certificate
from .model import OURS, Contestant, Context, Figures, Row, Target
from .senders import running
from .wan import Link

SLICE_US = 2000
# A peer competes in a frame-locked row while its longest tick is within this, by the thread's own clock: a busy machine is not a
# slow peer.
LONGEST_TICK_US = SLICE_US + 1000
BARE_DRAIN = "bare drain loop"
BARE_RAISED = "bare drain loop, window raised"
BARE_ALIKE = "... and 64 KiB a look at the clock"  # FramePump's quantum
BARE_WAITING = "bare loop that waits in poll()"
BARE_THREAD = "bare thread, gameplay consumes"
BARE_EPOLL_THREAD = "... and sleeps in epoll_wait()"  # as a thread with more than one socket has to
BLOCKING = "blocking thread"
GODOT_THREAD = "Godot 3, 64 KiB chunk, a thread"
PEERS = "tests/bench/peers"
TICKS = {
    "tick_us.p50": "tick p50 us",
    "tick_us.p99": "tick p99 us",
    "tick_us.max": "longest us",
    "tick_cpu_us.max": "longest CPU us",
    "overruns.wall": "overruns wall",
    "overruns.cpu": "overruns CPU",
}


class Sizes:
    """How much each contestant of a row reads. One sender for each size: it sends the same to everyone who connects."""

    def __init__(self, context: Context, whole: int, secure: bool = False):
        self.context = context
        self.whole = whole
        self.secure = secure  # the web server speaks TLS, too
        self.all = {whole}
        self.web: set[int] = set()

    def piece(self, size: int) -> int:
        size = min(size, self.whole)
        self.all.add(size)
        return size

    def download(self, size: int) -> int:
        self.web.add(self.piece(size))
        return min(size, self.whole)

    @contextlib.contextmanager
    def senders(self) -> Iterator[dict]:
        with contextlib.ExitStack() as stack:
            names = {}
            for size in self.all:
                command = ["nice", "-n", "19", self.context.program("bench_sender"), "--bytes", str(size)]
                greeting = stack.enter_context(running(command))
                names[f"port_{size}"], names[f"hash_{size}"] = greeting["port"], greeting["hash"]
            if self.web:
                files = {str(size): names[f"port_{size}"] for size in self.web}
                keys = stack.enter_context(certificate()) if self.secure else None
                names.update(stack.enter_context(web_server.serving(files, keys)), **(keys or {}))
            yield names


def reading(size: int, command: list[str], *more: str) -> list[str]:
    return [*command, "--port", f"{{port_{size}}}", "--bytes", str(size), *more]


def ours(context: Context, size: int, *more: str) -> list[str]:
    return reading(size, [context.program("bench_bulk_framepump")], *more)


def bare(context: Context, size: int, *more: str) -> list[str]:
    return reading(size, [context.program("bench_bulk_bare")], *more)


def megabytes(size: int) -> str:
    return f"{size / 1e6:g} MB"


def library_peer(context: Context, sizes: Sizes, name: str, program: str, *more: str, size: int = 0) -> Contestant:
    size = sizes.piece(size or sizes.whole)
    path = context.program(program)
    skip = None if os.path.exists(path) else f"skipped: {program} was not built (its library is not installed)"
    return Contestant(name if size == sizes.whole else f"{name} ({megabytes(size)})", reading(size, [path], *more), skip=skip)


def python_peer(sizes: Sizes, name: str, script: str, size: int, *more: str) -> Contestant:
    size = sizes.piece(size)
    command = ["/usr/bin/env", "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3", f"{PEERS}/{script}"]
    is_there = script != "bulk_twisted.py" or os.path.isdir("/usr/lib/python3/dist-packages/twisted")
    skip = None if is_there else "skipped: python3-twisted is not installed"
    return Contestant(f"{name} ({megabytes(size)})", reading(size, command, "--hash", f"{{hash_{size}}}", *more), skip=skip)


def iperf3(size: int) -> Contestant:
    skip = None if shutil.which("iperf3") else "skipped: iperf3 is not installed"
    return Contestant("iperf3, a thread that looks at nothing", ["/usr/bin/python3", f"{PEERS}/bulk_iperf3.py", "--bytes", str(size)],
                      skip=skip)


def godot_missing() -> Optional[str]:
    missing = [package for package, is_there in (("godot3-server", shutil.which("godot3-server")), ("nginx", web_server.nginx()))
               if not is_there]
    return f"skipped: {' and '.join(missing)} not installed" if missing else None


def godot_peer(sizes: Sizes, name: str, size: int, fps: int, *more: str, server: str = "http://{web}") -> Contestant:
    if skip := godot_missing():
        return Contestant(name, skip=skip)
    size = sizes.download(size)
    homes = [f"{name}={{scratch}}" for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")]
    command = ["/usr/bin/env", *homes, "godot3-server", "--path", f"{PEERS}/godot", f"--url={server}/{size}",
               f"--bytes={size}", f"--sha256={{sha256_{size}}}", f"--fps={fps}", f"--slice_us={SLICE_US}", *more]
    return Contestant(name if size == sizes.whole else f"{name} ({megabytes(size)})", command)


# ---- once per frame ----


def locked_peers(context: Context, sizes: Sizes, fps: int) -> list[Contestant]:
    """Whoever reads once per frame gets a piece of some thirty frames: its speed is the same from the first to the last."""
    frame = ["--fps", str(fps), "--slice-us", str(SLICE_US)]
    frames = 4 if context.smoke else 30
    one_read = frames * 65536  # the most that these take in a frame
    return [
        library_peer(context, sizes, "io_uring, multishot receive", "uring_bulk", *frame),
        library_peer(context, sizes, "asio, poll()", "asio_bulk", "--poll", *frame),
        library_peer(context, sizes, "asio, poll_one() in the slice", "asio_bulk", "--poll-one", *frame),
        library_peer(context, sizes, "libuv, NOWAIT", "uv_bulk", "--once", *frame),
        library_peer(context, sizes, "libuv, NOWAIT in the slice", "uv_bulk", "--again", *frame),
        library_peer(context, sizes, "libevent, NONBLOCK", "event_bulk", "--nonblock", *frame),
        library_peer(context, sizes, "libevent, passes in the slice", "event_bulk", "--passes", *frame, size=frames * 1_000_000),
        python_peer(sizes, "Twisted, iterate(0)", "bulk_twisted.py", one_read, *frame),
        python_peer(sizes, "asyncore, poll(0)", "bulk_asyncore.py", one_read, *frame),
        godot_peer(sizes, "Godot 3, 4 KiB chunk", frames * 4096, fps),
        godot_peer(sizes, "Godot 3, 64 KiB chunk", one_read, fps, "--chunk=65536"),
    ]


def slowest_win(figures: Figures, peers: list[Contestant]) -> float:
    """Our smallest ratio over the peers that keep their longest tick within the limit; the others are only shown."""
    ratios = [figures.ratio(OURS, peer.name, "mb_per_s") for peer in peers if keeps_tick(figures, peer.name)]
    return min((ratio for ratio in ratios if ratio == ratio), default=float("nan"))


def keeps_tick(figures: Figures, name: str) -> bool:
    try:
        return figures.median(name, "tick_cpu_us.max") <= LONGEST_TICK_US
    except KeyError:  # Godot's scripts know the wall clock only
        return figures.median(name, "tick_us.max") <= LONGEST_TICK_US


def locked(context: Context):
    for fps in [30] if context.smoke else [30, 60, 144]:
        sizes = Sizes(context, 4_000_000 if context.smoke else 115_000_000)
        frame = ["--fps", str(fps), "--slice-us", str(SLICE_US)]
        peers = locked_peers(context, sizes, fps)
        yield Row(
            "bulk_locked", f"{megabytes(sizes.whole)} over loopback, slice {SLICE_US} us, {fps} fps",
            [
                Contestant(OURS, ours(context, sizes.whole, *frame)),
                Contestant(BARE_DRAIN, bare(context, sizes.whole, "--drain", *frame)),
                Contestant(BARE_RAISED, bare(context, sizes.whole, "--drain", "--raise-window", *frame)),
                Contestant(BARE_ALIKE, bare(context, sizes.whole, "--drain", "--raise-window", "--read-kib", "64", *frame)),
                Contestant(BLOCKING, bare(context, sizes.whole, "--blocking")),
                iperf3(sizes.whole),
                *peers,
                godot_peer(sizes, GODOT_THREAD, sizes.whole, fps, "--chunk=65536", "--threads=1"),
            ],
            {"mb_per_s": "MB/s", "seconds": "seconds", **TICKS},
            [
                Target("at least 0.95 x the bare drain loop", lambda f: f.ratio(OURS, BARE_DRAIN, "mb_per_s"), at_least=0.95),
                # It reads 256 KiB between two looks at the clock, which is faster and overruns the slice more often.
                Target("at least 0.95 x a bare drain loop that raises the window too", lambda f: f.ratio(OURS, BARE_RAISED, "mb_per_s"),
                       at_least=0.95, limit=lambda f: f.ratio(BARE_ALIKE, BARE_RAISED, "mb_per_s")),
                Target("... and looks at the clock as often", lambda f: f.ratio(OURS, BARE_ALIKE, "mb_per_s"), at_least=0.95),
                Target(f"faster than every peer without a thread whose longest tick is within {LONGEST_TICK_US} us (CPU)",
                       lambda f, peers=peers: slowest_win(f, peers), at_least=1),
                # A thread reads all the time, who drains a slice of each frame does not: bulk_threaded compares the like.
                Target("faster than Godot's thread", lambda f: f.ratio(OURS, GODOT_THREAD, "mb_per_s"), at_least=1,
                       limit=lambda f: f.ratio(BARE_ALIKE, GODOT_THREAD, "mb_per_s")),
            ],
            rounds=context.rounds(9),
            parameters={"fps": fps, "slice_us": SLICE_US},
            setting=sizes.senders,
        )
        yield locked_ticks(context, Sizes(context, sizes.whole), fps)


def locked_ticks(context: Context, sizes: Sizes, fps: int) -> Row:
    """The rounds of the row before have some two hundred ticks, whose 99th percentile is the third longest: whatever the machine did
    in three of them. These have a thousand and more (not with --quick). A run has some twenty, so percentiles of single runs are not
    shown."""
    frame = ["--fps", str(fps), "--slice-us", str(SLICE_US)]
    return Row(
        "bulk_locked", f"{megabytes(sizes.whole)} over loopback, slice {SLICE_US} us, at {fps} frames a second: the ticks of many runs",
        [
            Contestant(OURS, ours(context, sizes.whole, *frame)),
            Contestant(BARE_RAISED, bare(context, sizes.whole, "--drain", "--raise-window", *frame)),
            Contestant(BARE_ALIKE, bare(context, sizes.whole, "--drain", "--raise-window", "--read-kib", "64", *frame)),
        ],
        {name: TICKS[name] for name in ("tick_us.p50", "overruns.wall", "overruns.cpu")} | {"frames": "frames"},
        [
            # Others interrupt a transfer about as often whoever reads. A loop that needs more ticks for it has the same interrupted ones
            # among more, and a lower 99th percentile. So by the wall clock the measure is the loop that needs about as many as FramePump;
            # it looks at the clock every 256 KiB, which lengthens its ticks by some 40 us.
            Target("tick p99 at most slice + 100 us", lambda f: f.pooled_p99(OURS, "ticks_us"), at_most=SLICE_US + 100,
                   limit=lambda f: f.pooled_p99(BARE_RAISED, "ticks_us"),
                   ratio_range=lambda f: f.p99_ratio_range(OURS, BARE_RAISED, "ticks_us")),
            Target("... by the thread's own clock", lambda f: f.pooled_p99(OURS, "ticks_cpu_us"), at_most=SLICE_US + 100,
                   limit=lambda f: f.pooled_p99(BARE_ALIKE, "ticks_cpu_us")),
        ],
        rounds=context.rounds(60),
        parameters={"ticks_at_fps": fps},
        setting=sizes.senders,
    )


# ---- on a thread ----


def threaded(context: Context):
    """The IO thread's own time is its processor time: while it waits for gameplay it computes nothing. A blocking thread's is
    what it spends outside of the hash, which gameplay computes in the others. The limit is that of a bare thread which could serve other
    sockets besides, as ours could: one that sleeps in recv() saves a system call each time it wakes."""
    for fps in [60] if context.smoke else [30, 60, 144]:
        sizes = Sizes(context, 4_000_000 if context.smoke else 1_000_000_000)
        frame = ["--fps", str(fps), "--slice-us", str(SLICE_US)]
        own_time = lambda f: f.ratio(BLOCKING, OURS, "reader_cpu_seconds")
        yield Row(
            "bulk_threaded", f"{megabytes(sizes.whole)} over loopback, on a thread, budget 256 MiB (a quarter for the stream), {fps} fps",
            [
                Contestant(OURS, ours(context, sizes.whole, "--threaded", "--budget-mib", "256", *frame)),
                Contestant(BARE_THREAD, reading(sizes.whole, [context.program("bench_bulk_thread")], "--keep-mib", "64", *frame)),
                Contestant(BARE_EPOLL_THREAD,
                           reading(sizes.whole, [context.program("bench_bulk_thread")], "--epoll", "--keep-mib", "64", *frame)),
                Contestant(BLOCKING, bare(context, sizes.whole, "--blocking")),
                iperf3(sizes.whole),
                godot_peer(sizes, GODOT_THREAD, 115_000_000, fps, "--chunk=65536", "--threads=1"),
            ],
            {"mb_per_s": "MB/s", "reader_cpu_seconds": "thread's CPU s", **TICKS},
            [
                Target("the IO thread's own time at least 0.95 x as fast as a blocking thread's", own_time, at_least=0.95,
                       limit=lambda f: f.ratio(BLOCKING, BARE_EPOLL_THREAD, "reader_cpu_seconds")),
                Target("faster than Godot's thread", lambda f: f.ratio(OURS, f"{GODOT_THREAD} (115 MB)", "mb_per_s"), at_least=1),
                Target("game-thread tick p99 at most 200 us", lambda f: f.pooled_p99(OURS, "ticks_us"), at_most=200,
                       limit=lambda f: f.pooled_p99(BARE_THREAD, "ticks_us")),
                Target("... by the thread's own clock", lambda f: f.pooled_p99(OURS, "ticks_cpu_us"), at_most=200),
            ],
            # Medians of five at 60 fps were 0.313 and 0.325 s, of the same plugin on the same machine.
            rounds=context.rounds(9),
            parameters={"fps": fps, "slice_us": SLICE_US},
            setting=sizes.senders,
        )


# ---- in wait_until ----


def waiting(context: Context):
    for fps in [60] if context.smoke else [30, 60, 144]:
        sizes = Sizes(context, 4_000_000 if context.smoke else 2_000_000_000)
        frame = ["--fps", str(fps), "--slice-us", str(SLICE_US)]
        # A frame's bytes are held until it begins: room for 3.4 GB/s, more than 0.8 x what a blocking thread did here (2.3 to 4).
        keep_mib = 3400 // fps
        yield Row(
            "bulk_waiting", f"{megabytes(sizes.whole)} over loopback, one thread, wait_until between frames, {keep_mib} MiB a frame, {fps} fps",
            [
                Contestant(OURS, ours(context, sizes.whole, "--wait", "--budget-mib", str(keep_mib * 16), "--keep-mib", str(keep_mib), *frame)),
                Contestant(f"{OURS}, budget by default", ours(context, sizes.whole, "--wait", *frame)),
                Contestant(BARE_WAITING, bare(context, sizes.whole, "--waiting", "--keep-mib", str(keep_mib), *frame)),
                Contestant(BLOCKING, bare(context, sizes.whole, "--blocking")),
            ],
            {"mb_per_s": "MB/s", "reading_mb_per_s": "without hash", "late_frames": "late frames",
             "late_by_own_doing": "late by our doing", "frames": "frames", **TICKS},
            [
                Target("at least 0.8 x the blocking thread", lambda f: f.ratio(OURS, BLOCKING, "mb_per_s"), at_least=0.8,
                       limit=lambda f: f.ratio(BARE_WAITING, BLOCKING, "mb_per_s")),
                Target("... gameplay's own time left out, of both", lambda f: f.ratio(OURS, BLOCKING, "reading_mb_per_s"),
                       at_least=0.8, limit=lambda f: f.ratio(BARE_WAITING, BLOCKING, "reading_mb_per_s")),
                # Sender, kernel and reader want more than the two processors, and a host may take them for others: whoever waits for one
                # is late, and no code of the reader's is to blame. Nor is it if gameplay takes longer than the frame.
                Target("no frame late in the median run", lambda f: f.median(OURS, "late_frames"), at_most=0,
                       limit=lambda f: f.median(BARE_WAITING, "late_frames")),
                # Now and then the kernel handles the sender's packets for milliseconds within one recv() of ours or the bare loop's, which
                # no clock tells from our own work. So the few that there are count by comparison.
                Target("frames late in all runs, gameplay's time and others' left out: standard deviations more than the bare loop's",
                       lambda f: f.deviations_above(OURS, BARE_WAITING, "late_by_own_doing"), at_most=2),
            ],
            # With five, frames that others made late in three runs decide the median.
            rounds=context.rounds(11),
            parameters={"fps": fps, "slice_us": SLICE_US},
            setting=sizes.senders,
        )


# ---- in little memory ----


def memory(context: Context):
    whole = 4_000_000 if context.smoke else 115_000_000
    yield memory_on_link(Link(context, 10, 300, size=whole))
    yield memory_on_loopback(context, Sizes(context, whole))


def memory_on_link(link: Link) -> Row:
    by_default = f"{OURS}, budget by default"
    small, frame = ["--budget-mib", "4"], ["--fps", "60", "--slice-us", str(SLICE_US)]
    return Row(
        "memory", f"under a budget of 4 MiB, 60 fps, over a link of {link.describe()}",
        [
            link.contestant(OURS, "bench_bulk_framepump", *small, *frame),
            link.contestant(by_default, "bench_bulk_framepump", *frame),
            link.bare(BLOCKING, "--blocking"),
        ],
        {"mb_per_s": "MB/s", "plugin_peak_of_budget": "peak/budget", "steady_allocations": "allocations", **TICKS},
        [Target("at least 0.8 x the default budget", lambda f: f.ratio(OURS, by_default, "mb_per_s"), at_least=0.8), *memory_targets()],
        setting=link.setting,
        rounds=link.context.rounds(5),
        parameters={"fps": 60, "slice_us": SLICE_US},
    )


def memory_targets() -> list[Target]:
    return [
        Target("memory of the whole plugin, as a part of the budget", lambda f: max(f.all(OURS, "plugin_peak_of_budget")), at_most=1),
        Target("allocations of all steady ticks", lambda f: max(f.all(OURS, "steady_allocations")), at_most=0),
    ]


def memory_on_loopback(context: Context, sizes: Sizes) -> Row:
    """Here a frame brings more than the whole small budget holds, so its speed is shown and no target."""
    frame = ["--fps", "60", "--slice-us", str(SLICE_US)]
    by_default = f"{OURS}, budget by default"
    return Row(
        "memory", f"{megabytes(sizes.whole)} over loopback under a budget of 4 MiB, slice {SLICE_US} us, 60 fps",
        [
            Contestant(OURS, ours(context, sizes.whole, "--budget-mib", "4", *frame)),
            Contestant(by_default, ours(context, sizes.whole, *frame)),
            Contestant("bare drain loop, all of 2 MiB", bare(context, sizes.whole, "--drain", "--keep-mib", "2", "--raise-window", *frame)),
            Contestant("bare drain loop, all of 4 MiB", bare(context, sizes.whole, "--drain", "--keep-mib", "4", "--raise-window", *frame)),
        ],
        {"mb_per_s": "MB/s", "plugin_peak_of_budget": "peak/budget", "steady_allocations": "allocations", **TICKS},
        memory_targets(),
        rounds=context.rounds(5),
        parameters={"fps": 60, "slice_us": SLICE_US},
        setting=sizes.senders,
    )


BENCHMARKS = {"bulk_locked": locked, "bulk_threaded": threaded, "bulk_waiting": waiting, "memory": memory}
