# SPDX-License-Identifier: MIT
"""What the peers in Python share, as tests/bench/support has it for C++: options, the pace of frames, the hash, the report."""

import argparse
import json
import math
import time

import xxhash

LATE_S = 0.001  # as in frames.cpp
OVERRUN_MARGIN_US = 500  # as in reader_options.h


def parse_options(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bytes", type=int, required=True, help="how many the sender sends")
    parser.add_argument("--hash", required=True, help="of these bytes, from the sender's greeting")
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--slice-us", type=int, default=2000, help="only counts overruns: these peers know no slice")
    return parser.parse_args()


def summary(figures: list[float]) -> dict:
    if not figures:
        return {"count": 0}
    ordered = sorted(figures)

    def rank(part: float) -> float:
        return ordered[min(max(math.ceil(part * len(ordered)), 1), len(ordered)) - 1]

    return {"count": len(ordered), "min": ordered[0], "p50": rank(0.5), "p99": rank(0.99), "max": ordered[-1]}


class FrameLoop:
    """Paces frames by sleeping, and measures the contestant's network call in each by the wall clock and by the thread's own."""

    def __init__(self, frames_per_s: float):
        self.frame_s = 1 / frames_per_s
        self.frames = self.late_frames = 0
        self.tick_us: list[float] = []
        self.tick_cpu_us: list[float] = []
        self.start_s = self.next_s = 0.0

    def wait_for_frame(self) -> None:
        if self.frames > 0:
            time.sleep(max(self.next_s - time.monotonic(), 0))
        now_s = time.monotonic()
        if self.frames == 0:
            self.start_s = self.next_s = now_s
        elif now_s > self.next_s + LATE_S:
            self.late_frames += 1
            self.next_s = now_s
        self.frames += 1
        self.next_s += self.frame_s

    def timed(self, network_call) -> None:
        cpu_s, wall_s = time.thread_time(), time.monotonic()
        network_call()
        self.tick_us.append((time.monotonic() - wall_s) * 1e6)
        self.tick_cpu_us.append((time.thread_time() - cpu_s) * 1e6)

    def report(self, slice_us: int) -> dict:
        limit_us = slice_us + OVERRUN_MARGIN_US
        return {
            "frames": self.frames, "late_frames": self.late_frames, "seconds": time.monotonic() - self.start_s,
            "tick_us": summary(self.tick_us), "tick_cpu_us": summary(self.tick_cpu_us),
            "overruns": {"limit_us": limit_us, "wall": sum(t > limit_us for t in self.tick_us),
                         "cpu": sum(t > limit_us for t in self.tick_cpu_us)},
        }


class FrameBytes:
    """A frame's bytes: the network call keeps them, gameplay looks at them after it."""

    def __init__(self):
        self.hash = xxhash.xxh3_64()
        self.size_bytes = 0
        self.kept: list[bytes] = []

    def consume(self) -> None:
        for chunk in self.kept:
            self.hash.update(chunk)
            self.size_bytes += len(chunk)
        self.kept.clear()


def print_report(frames: FrameLoop, options: argparse.Namespace, read: FrameBytes) -> None:
    report = frames.report(options.slice_us)
    report["bytes"] = read.size_bytes
    report["verified"] = read.size_bytes == options.bytes and read.hash.hexdigest() == options.hash
    print(json.dumps(report))
