# SPDX-License-Identifier: MIT
"""A link of two network namespaces joined by veth, whose packets reach TCP merged to up to 64 KB, as behind a network card with GRO.
Its rate and its queue are those of a token bucket (tc-tbf); the round trip is what the queue takes."""

import contextlib
import os
import shutil
import subprocess
from typing import Iterator

from .model import CannotRun

SENDER, READER = "framepump-bench-a", "framepump-bench-b"
SENDER_ADDRESS, READER_ADDRESS = "10.78.0.1", "10.78.0.2"
SHAPE = "packets merged up to 64 KB (veth, tbf)"
STOCK_TCP_RMEM = "4096 131072 6291456"


def why_not() -> str | None:
    if os.geteuid() != 0:
        return "a link needs root"
    missing = [tool for tool in ("ip", "tc", "setpriv") if shutil.which(tool) is None]
    return f"a link needs {missing[0]}" if missing else None


def inside(namespace: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", namespace, *command]


def unprivileged(*command: str) -> list[str]:
    return inside(READER, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotRun(f"no link: {' '.join(command)}: {done.stderr.strip()}")


def remove() -> None:
    for namespace in (SENDER, READER):
        subprocess.run(["ip", "netns", "del", namespace], capture_output=True)


@contextlib.contextmanager
def link(mbit: float, queue_ms: float) -> Iterator[None]:
    """Nothing of an earlier run that was killed stays in its way."""
    remove()
    try:
        for namespace in (SENDER, READER):
            run("ip", "netns", "add", namespace)
        run("ip", "link", "add", "fp-a", "netns", SENDER, "type", "veth", "peer", "name", "fp-b", "netns", READER)
        for namespace, device, address in ((SENDER, "fp-a", SENDER_ADDRESS), (READER, "fp-b", READER_ADDRESS)):
            run(*inside(namespace, "ip", "address", "add", f"{address}/24", "dev", device))
            run(*inside(namespace, "ip", "link", "set", device, "up"))
        # A burst that holds the largest packet, or tbf would cut it up.
        run(*inside(SENDER, "tc", "qdisc", "add", "dev", "fp-a", "root", "tbf", "rate", f"{mbit:g}mbit", "burst", "128kb", "latency",
                    f"{queue_ms:g}ms"))
        run(*inside(READER, "sh", "-c", f"echo '{STOCK_TCP_RMEM}' > /proc/sys/net/ipv4/tcp_rmem"))
        yield
    finally:
        remove()
