# SPDX-License-Identifier: MIT
"""The inner parts by themselves, with Google Benchmark: what the others' figures are made of."""

import os
import subprocess

from .model import Contestant, Context, Row


def parts(context: Context):
    program = context.program("bench_micro")
    if not os.path.exists(program):
        yield Row("micro", "inner parts", [Contestant("all", skip="Google Benchmark (libbenchmark-dev) is not installed")], {"ns": "ns"})
        return
    names = subprocess.run([program, "--benchmark_list_tests"], capture_output=True, text=True, check=True).stdout.split()
    least = ["--benchmark_min_time=0.01"] if context.smoke else ["--benchmark_min_time=0.2"]
    yield Row("micro", "inner parts, each by itself", [Contestant(name, [program, "--one", name, *least]) for name in names],
              {"ns": "ns each"}, rounds=context.rounds(5))


BENCHMARKS = {"micro": parts}
