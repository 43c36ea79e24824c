# SPDX-License-Identifier: MIT
"""The inner parts by themselves, with Google Benchmark: what the others' figures are made of. And what a thousand coroutines cost a tick."""

import os
import subprocess

from .model import OURS, Contestant, Context, Row, Target

NOT_THERE = "Google Benchmark (libbenchmark-dev) is not installed"
SLICE_NS = 2_000_000  # the default pump.slice_us


def one(context: Context, name: str) -> list[str]:
    least = ["--benchmark_min_time=0.01"] if context.smoke else ["--benchmark_min_time=0.2"]
    return [context.program("bench_micro"), "--one", name, *least]


def parts(context: Context):
    program = context.program("bench_micro")
    if not os.path.exists(program):
        yield Row("micro", "inner parts", [Contestant("all", skip=NOT_THERE)], {"ns": "ns"})
        return
    names = subprocess.run([program, "--benchmark_list_tests"], capture_output=True, text=True, check=True).stdout.split()
    yield Row("micro", "inner parts, each by itself", [Contestant(name, one(context, name)) for name in names],
              {"ns": "ns each"}, rounds=context.rounds(5))


def coroutines(context: Context):
    skip = None if os.path.exists(context.program("bench_micro")) else NOT_THERE
    names = {
        OURS: "coroutine_next_frame/1000",
        "bare C++20 coroutines, resumed in a loop": "bare_coroutine_resume/1000",
        "a callback each": "bare_callback/1000",
    }
    yield Row(
        "coroutines", "1,000 tasks, each resumed once in every tick",
        [Contestant(name, one(context, part), skip=skip) for name, part in names.items()],
        {"ns": "ns each"},
        [Target("a thousand resumptions, as a part of a slice of 2 ms", lambda f: f.median(OURS, "ns") * 1000 / SLICE_NS, at_most=0.1)],
        rounds=context.rounds(5),
    )


BENCHMARKS = {"micro": parts, "coroutines": coroutines}
