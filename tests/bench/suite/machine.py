# SPDX-License-Identifier: MIT
"""On what a run was made: figures mean nothing without it."""

import contextlib
import datetime
import os
import platform
from typing import Iterator, Optional


def describe() -> dict:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "date": datetime.date.today().isoformat(),
        "kernel": platform.release(),
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }


def sysctl(path: str) -> Optional[str]:
    """None: there is none, as in a container's own network."""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return None


@contextlib.contextmanager
def changed_sysctl(path: str, value: str) -> Iterator[None]:
    """Where it is allowed, and put back."""
    before = sysctl(path)
    may_write = before is not None and os.access(path, os.W_OK)

    def write(text: str) -> None:
        if may_write:
            with contextlib.suppress(OSError), open(path, "w", encoding="ascii") as file:
                file.write(text)

    write(value)
    try:
        yield
    finally:
        write(before)
