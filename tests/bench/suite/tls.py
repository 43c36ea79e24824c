# SPDX-License-Identifier: MIT
"""One large TLS stream over loopback, and many short ones, against bare OpenSSL and openssl s_time, with one sender."""

import contextlib
import shutil
from typing import Iterator

from .bulk import PEERS, SLICE_US, TICKS, megabytes
from .certificate import CIPHER, certificate
from .model import OURS, Contestant, Context, Row, Target
from .senders import running

LOCKED = f"{OURS}, frame-locked"
PLAIN = f"{OURS}, without TLS"
BARE = "bare OpenSSL loop, blocking"
BARE_DRAIN = "bare OpenSSL loop, once per frame"
BARE_RAISED = "... window raised"
S_TIME = "openssl s_time, which looks at nothing"
FPS = 60


@contextlib.contextmanager
def senders(context: Context, size: int) -> Iterator[dict]:
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(certificate())
        sender = ["nice", "-n", "19", context.program("bench_sender"), "--bytes", str(size)]
        secure = stack.enter_context(running([*sender, "--certificate", names["certificate"], "--key", names["key"]]))
        plain = stack.enter_context(running(sender))
        yield {**names, "secure": secure["port"], "plain": plain["port"]}


def s_time(*more: str) -> Contestant:
    return Contestant(S_TIME, ["/usr/bin/python3", f"{PEERS}/tls_s_time.py", *more],
                      skip=None if shutil.which("openssl") else "skipped: openssl not installed")


def tls(context: Context):
    yield large_stream(context)
    yield handshakes(context)


def large_stream(context: Context) -> Row:
    size = 4_000_000 if context.smoke else 500_000_000
    frame = ["--fps", str(FPS), "--slice-us", str(SLICE_US)]
    wanted = ["--bytes", str(size)]
    secure = ["--port", "{secure}", "--ca-file", "{certificate}", *wanted]
    reader, bare = [context.program("bench_bulk_framepump")], [context.program("bench_tls_bare"), *secure]
    large = ["--budget-mib", "256"]
    return Row(
        "tls", f"{megabytes(size)} over loopback in one TLS stream ({CIPHER}), slice {SLICE_US} us, {FPS} fps",
        [
            Contestant(OURS, [*reader, *secure, *frame, "--threaded", *large]),
            Contestant(LOCKED, [*reader, *secure, *frame, *large]),
            Contestant(f"{OURS}, wait_until between frames", [*reader, *secure, *frame, "--wait", *large]),
            Contestant(PLAIN, [*reader, "--port", "{plain}", *wanted, *frame, "--threaded", *large]),
            Contestant(BARE, bare),
            Contestant(BARE_DRAIN, [*bare, "--drain", *frame]),
            Contestant(BARE_RAISED, [*bare, "--drain", "--raise-window", *frame]),
            s_time(*secure),
        ],
        {"mb_per_s": "MB/s", "reader_cpu_seconds": "thread's CPU s", **TICKS},
        [
            Target("threaded at least 0.9 x the bare OpenSSL loop", lambda f: f.ratio(OURS, BARE, "mb_per_s"), at_least=0.9),
            Target("threaded at least 0.9 x openssl s_time", lambda f: f.ratio(OURS, S_TIME, "mb_per_s"), at_least=0.9,
                   limit=lambda f: f.ratio(BARE, S_TIME, "mb_per_s")),
            Target("frame-locked at least 0.9 x the bare OpenSSL loop once per frame", lambda f: f.ratio(LOCKED, BARE_DRAIN, "mb_per_s"),
                   at_least=0.9),
            Target("frame-locked at least 0.9 x the same with the window raised", lambda f: f.ratio(LOCKED, BARE_RAISED, "mb_per_s"),
                   at_least=0.9),
        ],
        rounds=context.rounds(5),
        parameters={"fps": FPS, "slice_us": SLICE_US},
        setting=lambda: senders(context, size),
    )


def handshakes(context: Context) -> Row:
    """Verifying the certificate is most of the work, and the same for all."""
    size, count = 64, 20 if context.smoke else 1000
    secure = ["--port", "{secure}", "--ca-file", "{certificate}", "--bytes", str(size)]
    crowd = [context.program("bench_tls_connects"), *secure, "--connections", str(count), "--fps", str(FPS), "--slice-us", str(SLICE_US)]
    return Row(
        "tls", f"{count:,} connections over loopback, each with a full TLS handshake and {size} bytes, slice {SLICE_US} us, {FPS} fps",
        [
            Contestant(OURS, [*crowd, "--threaded"]),
            Contestant(LOCKED, crowd),
            Contestant(f"{OURS}, wait_until between frames", [*crowd, "--wait"]),
            Contestant(BARE, [context.program("bench_tls_bare"), *secure, "--connections", str(count)]),
            s_time(*secure),
        ],
        {"connections_per_s": "connections/s", "cpu_us_each": "CPU us each", **TICKS},
        [
            Target("threaded at least 0.9 x as many as openssl s_time", lambda f: f.ratio(OURS, S_TIME, "connections_per_s"), at_least=0.9),
            Target("threaded at least 0.9 x as many as the bare OpenSSL loop", lambda f: f.ratio(OURS, BARE, "connections_per_s"),
                   at_least=0.9),
        ],
        rounds=context.rounds(5),
        parameters={"fps": FPS, "slice_us": SLICE_US},
        setting=lambda: senders(context, size),
    )


BENCHMARKS = {"tls": tls}
