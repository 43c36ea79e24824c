# SPDX-License-Identifier: MIT
"""One file from nginx: by the plugin's file thread, by curl, and by Godot's HTTPRequest in each of its settings."""

import shutil

from . import web_server
from .bulk import PEERS, SLICE_US, TICKS, Sizes, godot_peer, megabytes
from .certificate import CIPHER
from .model import OURS, Contestant, Context, Figures, Row, Target

LOCKED = f"{OURS}, frame-locked"
CURL = "curl"
FPS = 60
MB = 115_000_000
CHUNKS = {"4 KiB": 4 << 10, "64 KiB": 64 << 10, "1 MiB": 1 << 20, "16 MiB": 16 << 20}  # from Godot's own default to the largest that it takes
INTO = {"": [], ", to a file": ["--file={scratch}/godots"]}


def missing_nginx() -> str | None:
    return None if web_server.nginx() else "skipped: nginx not installed"


def ours(context: Context, name: str, server: str, size: int, *more: str) -> Contestant:
    command = [context.program("bench_download"), "--url", f"{server}/{size}", "--path", "{scratch}/ours", "--bytes", str(size),
               "--fps", str(FPS), "--slice-us", str(SLICE_US), *more]
    return Contestant(name, command, skip=missing_nginx())


def curl(name: str, server: str, size: int, *more: str) -> Contestant:
    skip = missing_nginx() if shutil.which("curl") else "skipped: curl not installed"
    command = ["/usr/bin/python3", f"{PEERS}/download_curl.py", "--url", f"{server}/{size}", "--path", "{scratch}/curls", "--bytes",
               str(size), "--sha256", f"{{sha256_{size}}}", *more]
    return Contestant(name, command, skip=skip)


def godots(context: Context, sizes: Sizes, server: str, chunks: list[str], *more: str) -> list[Contestant]:
    """What reads a chunk once per frame gets a piece of some thirty frames, as in the bulk benchmarks."""
    frames = 4 if context.smoke else 30
    return [
        godot_peer(sizes, f"Godot 3, {chunk} chunk{thread}{into}", sizes.whole if thread else frames * CHUNKS[chunk], FPS,
                   f"--chunk={CHUNKS[chunk]}", *settings, *where, *more, server=server)
        for thread, settings in {"": [], ", a thread": ["--threads=1"]}.items() for into, where in INTO.items() for chunk in chunks
    ]


def over_fastest(figures: Figures, name: str, peers: list[Contestant]) -> float:
    """Our smallest ratio over all of them."""
    ratios = [figures.ratio(name, peer.name, "mb_per_s") for peer in peers]
    return min((ratio for ratio in ratios if ratio == ratio), default=float("nan"))


def targets(peers: list[Contestant]) -> list[Target]:
    return [
        Target("threaded at least 0.9 x curl", lambda f: f.ratio(OURS, CURL, "mb_per_s"), at_least=0.9),
        Target("threaded, faster than Godot's fastest setting", lambda f: over_fastest(f, OURS, peers), at_least=1),
        Target("frame-locked, faster than Godot's fastest setting", lambda f: over_fastest(f, LOCKED, peers), at_least=1),
    ]


def plain_row(context: Context) -> Row:
    sizes = Sizes(context, 4_000_000 if context.smoke else MB)
    size = sizes.download(sizes.whole) if web_server.nginx() else sizes.whole
    server = "http://{web}"
    peers = godots(context, sizes, server, ["64 KiB", "16 MiB"] if context.smoke else list(CHUNKS))
    hashed = ["--sync", "--sha256", f"{{sha256_{size}}}"]
    return Row(
        "download", f"{megabytes(size)} from nginx over loopback (HTTP/1.1), to a file, {FPS} fps",
        [
            ours(context, OURS, server, size, "--threaded"),
            ours(context, LOCKED, server, size),
            ours(context, f"{OURS}, SHA-256 checked and on the disk", server, size, "--threaded", *hashed),
            curl(CURL, server, size),
            *peers,
        ],
        {"mb_per_s": "MB/s", "seconds": "seconds", **TICKS},
        targets(peers),
        rounds=context.rounds(5),
        parameters={"fps": FPS, "slice_us": SLICE_US},
        setting=sizes.senders,
    )


def secure_row(context: Context) -> Row:
    """Godot verifies no certificate here, which is only in its favour; it speaks TLS 1.2, the others 1.3."""
    sizes = Sizes(context, 4_000_000 if context.smoke else MB, secure=True)
    size = sizes.download(sizes.whole) if web_server.nginx() else sizes.whole
    server, server_h2 = "https://{web_tls}", "https://{web_h2}"
    peers = godots(context, sizes, server, ["64 KiB"] if context.smoke else list(CHUNKS), "--validate=0")
    known = ["--ca-file", "{certificate}"]
    return Row(
        "download", f"{megabytes(size)} from nginx over loopback (HTTPS, {CIPHER}), to a file, {FPS} fps",
        [
            ours(context, OURS, server, size, "--threaded", *known),
            ours(context, LOCKED, server, size, *known),
            ours(context, f"{OURS}, HTTP/2", server_h2, size, "--threaded", *known),
            curl(CURL, server, size, *known),
            curl(f"{CURL}, HTTP/2", server_h2, size, *known, "--http2"),
            *peers,
        ],
        {"mb_per_s": "MB/s", "seconds": "seconds", **TICKS},
        targets(peers),
        rounds=context.rounds(5),
        parameters={"fps": FPS, "slice_us": SLICE_US},
        setting=sizes.senders,
    )


def download(context: Context):
    yield plain_row(context)
    yield secure_row(context)


BENCHMARKS = {"download": download}
