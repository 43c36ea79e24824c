# SPDX-License-Identifier: MIT
"""One large TLS stream over loopback, against bare OpenSSL on a blocking socket with the same sender.

openssl s_time counts connections, and its only servers send small pages or files in pieces of 4 KiB: it could measure handshakes, not this."""

import contextlib
import shutil
import subprocess
import tempfile
from typing import Iterator

from .bulk import SLICE_US, TICKS, megabytes
from .model import OURS, CannotRun, Contestant, Context, Row, Target
from .senders import running

LOCKED = f"{OURS}, frame-locked"
PLAIN = f"{OURS}, without TLS"
BARE = "bare OpenSSL loop, blocking"
NAME = "bench.test"  # kTlsName of the programs
FPS = 60


@contextlib.contextmanager
def certificate() -> Iterator[dict]:
    """One that is its own authority; yields the files "certificate" and "key"."""
    if not shutil.which("openssl"):
        raise CannotRun("openssl not installed")
    with tempfile.TemporaryDirectory(prefix="framepump-bench-") as folder:
        names = {"certificate": f"{folder}/certificate.pem", "key": f"{folder}/key.pem"}
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", names["key"], "-out", names["certificate"]],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"openssl req: {done.stderr.strip()[-300:]}")
        yield names


@contextlib.contextmanager
def senders(context: Context, size: int) -> Iterator[dict]:
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(certificate())
        sender = ["nice", "-n", "19", context.program("bench_sender"), "--bytes", str(size)]
        secure = stack.enter_context(running([*sender, "--certificate", names["certificate"], "--key", names["key"]]))
        plain = stack.enter_context(running(sender))
        yield {**names, "secure": secure["port"], "plain": plain["port"]}


def tls(context: Context):
    size = 4_000_000 if context.smoke else 500_000_000
    frame = ["--fps", str(FPS), "--slice-us", str(SLICE_US)]
    wanted = ["--bytes", str(size)]
    secure = ["--port", "{secure}", "--ca-file", "{certificate}", *wanted]
    reader = [context.program("bench_bulk_framepump")]
    large = ["--budget-mib", "256"]
    yield Row(
        "tls", f"{megabytes(size)} over loopback in one TLS stream, {FPS} fps",
        [
            Contestant(OURS, [*reader, *secure, *frame, "--threaded", *large]),
            Contestant(LOCKED, [*reader, *secure, *frame, *large]),
            Contestant(f"{OURS}, wait_until between frames", [*reader, *secure, *frame, "--wait", *large]),
            Contestant(PLAIN, [*reader, "--port", "{plain}", *wanted, *frame, "--threaded", *large]),
            Contestant(BARE, [context.program("bench_tls_bare"), *secure]),
        ],
        {"mb_per_s": "MB/s", "reader_cpu_seconds": "thread's CPU s", **TICKS},
        [Target("threaded at least 0.9 x the bare OpenSSL loop", lambda f: f.ratio(OURS, BARE, "mb_per_s"), at_least=0.9)],
        rounds=context.rounds(5),
        parameters={"fps": FPS, "slice_us": SLICE_US},
        setting=lambda: senders(context, size),
    )


BENCHMARKS = {"tls": tls}
