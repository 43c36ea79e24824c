# SPDX-License-Identifier: MIT
"""Programs that run beside the contestants for as long as a row lasts."""

import contextlib
import json
import subprocess
from typing import Iterator

from .model import CANNOT_RUN_STATUS, CannotRun


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[dict]:
    """A program that prints a line of JSON when it is ready, and ends when its standard input does."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        greeting = process.stdout.readline()
        if not greeting:
            what = f"did not start, see above: {' '.join(command)}"
            raise CannotRun(what) if process.wait(timeout=5) == CANNOT_RUN_STATUS else RuntimeError(what)
        yield json.loads(greeting)
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
