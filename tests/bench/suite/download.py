# SPDX-License-Identifier: MIT
"""One file from nginx: by the plugin's file thread, by curl, and by Godot in each of its settings."""

import shutil

from . import web_server
from .bulk import PEERS, SLICE_US, TICKS, Sizes, godot_peer, megabytes
from .model import OURS, Contestant, Context, Figures, Row, Target

LOCKED = f"{OURS}, frame-locked"
CURL = "curl"
FPS = 60
LARGEST_CHUNK = 16 << 20  # the largest that Godot takes


def missing_nginx() -> str | None:
    return None if web_server.nginx() else "skipped: nginx not installed"


def ours(context: Context, size: int, *more: str) -> list[str]:
    return [context.program("bench_download"), "--url", f"http://{{web}}/{size}", "--path", "{scratch}/ours", "--bytes", str(size),
            "--fps", str(FPS), "--slice-us", str(SLICE_US), *more]


def curl(size: int) -> Contestant:
    skip = missing_nginx() if shutil.which("curl") else "skipped: curl not installed"
    command = ["/usr/bin/python3", f"{PEERS}/download_curl.py", "--url", f"http://{{web}}/{size}", "--path", "{scratch}/curls", "--bytes",
               str(size), "--sha256", f"{{sha256_{size}}}"]
    return Contestant(CURL, command, skip=skip)


def godots(context: Context, sizes: Sizes) -> list[Contestant]:
    """What reads a chunk once per frame gets a piece of some thirty frames, as in the bulk benchmarks."""
    frames = 4 if context.smoke else 30
    largest = f"--chunk={LARGEST_CHUNK}"
    return [
        godot_peer(sizes, "Godot 3, 4 KiB chunk", frames * 4096, FPS),
        godot_peer(sizes, "Godot 3, 64 KiB chunk", frames * 65536, FPS, "--chunk=65536"),
        godot_peer(sizes, "Godot 3, 16 MiB chunk", sizes.whole, FPS, largest),
        godot_peer(sizes, "Godot 3, 4 KiB chunk, a thread", sizes.whole, FPS, "--threads=1"),
        godot_peer(sizes, "Godot 3, 64 KiB chunk, a thread", sizes.whole, FPS, "--chunk=65536", "--threads=1"),
        godot_peer(sizes, "Godot 3, 16 MiB chunk, a thread", sizes.whole, FPS, largest, "--threads=1"),
        godot_peer(sizes, "Godot 3, 16 MiB chunk, a thread, to a file", sizes.whole, FPS, largest, "--threads=1", "--file={scratch}/godots"),
    ]


def over_fastest(figures: Figures, name: str, peers: list[Contestant]) -> float:
    """Our smallest ratio over all of them."""
    ratios = [figures.ratio(name, peer.name, "mb_per_s") for peer in peers]
    return min((ratio for ratio in ratios if ratio == ratio), default=float("nan"))


def download(context: Context):
    sizes = Sizes(context, 4_000_000 if context.smoke else 115_000_000)
    size = sizes.download(sizes.whole) if web_server.nginx() else sizes.whole
    peers = godots(context, sizes)
    hashed = ["--sync", "--sha256", f"{{sha256_{size}}}"]
    yield Row(
        "download", f"{megabytes(size)} from nginx over loopback (HTTP/1.1), to a file, {FPS} fps",
        [
            Contestant(OURS, ours(context, size, "--threaded"), skip=missing_nginx()),
            Contestant(LOCKED, ours(context, size), skip=missing_nginx()),
            Contestant(f"{OURS}, SHA-256 checked and on the disk", ours(context, size, "--threaded", *hashed), skip=missing_nginx()),
            curl(size),
            *peers,
        ],
        {"mb_per_s": "MB/s", "seconds": "seconds", **TICKS},
        [
            Target("threaded at least 0.9 x curl", lambda f: f.ratio(OURS, CURL, "mb_per_s"), at_least=0.9),
            Target("threaded, faster than Godot's fastest setting", lambda f: over_fastest(f, OURS, peers), at_least=1),
            Target("frame-locked, faster than Godot's fastest setting", lambda f: over_fastest(f, LOCKED, peers), at_least=1),
        ],
        rounds=context.rounds(5),
        parameters={"fps": FPS, "slice_us": SLICE_US},
        setting=sizes.senders,
    )


BENCHMARKS = {"download": download}
