# SPDX-License-Identifier: MIT
"""The certificate of every TLS server of the benchmarks, and the one cipher that they all speak."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from typing import Iterator

from .model import CannotRun

NAME = "bench.test"  # kTlsName of the programs
ADDRESSES = ["127.0.0.1", "10.77.0.1"]  # of loopback and of the sender's end of an emulated link (tests/support/emulated_link.h)
CIPHER = "AES-256-GCM"  # both versions of TLS have it, and so has everyone who is compared


@contextlib.contextmanager
def certificate() -> Iterator[dict]:
    """One that is its own authority; yields the files "certificate", which anybody may read, and "key"."""
    if not shutil.which("openssl"):
        raise CannotRun("openssl not installed")
    with tempfile.TemporaryDirectory(prefix="framepump-bench-") as folder:
        os.chmod(folder, 0o755)  # contestants behind a link have no privileges
        names = {"certificate": f"{folder}/certificate.pem", "key": f"{folder}/key.pem"}
        others = ",".join([f"DNS:{NAME}", *(f"IP:{address}" for address in ADDRESSES)])
        done = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             f"/CN={NAME}", "-addext", f"subjectAltName={others}", "-keyout", names["key"], "-out", names["certificate"]],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"openssl req: {done.stderr.strip()[-300:]}")
        os.chmod(names["certificate"], 0o644)
        yield names
