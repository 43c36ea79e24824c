# SPDX-License-Identifier: MIT
"""The benchmark suite; tests/bench/run sets up and starts it."""

import argparse
import json
import sys

from . import bulk, machine, micro, table
from .model import Context
from .runner import run_row

BENCHMARKS = {**bulk.BENCHMARKS, **micro.BENCHMARKS}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/bench/run",
        description="Measures FramePump, its peers and the bare system calls on the same work in one run: each contestant in turn, "
        "round after round. Prints for each the median, the spread and FramePump's ratio, and for each target whether it holds.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and only the diagonal of the large matrix")
    parser.add_argument("--smoke", action="store_true", help="the least work, once: shows that it is done right, measures nothing")
    parser.add_argument("--only", metavar="NAME", action="append", choices=sorted(BENCHMARKS),
                        help=f"only this benchmark; may be repeated; one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", metavar="FILE", help="write every figure of every run")
    parser.add_argument("--list", action="store_true", help="print the names of the benchmarks")
    parser.add_argument("--programs", default="build/bench/release", help=argparse.SUPPRESS)
    return parser.parse_args()


def as_json(row, figures, problems) -> dict:
    verdicts = [(target, *table.verdict(target, figures)) for target in row.targets]
    return {
        "benchmark": row.benchmark, "work": row.work, "reports": figures.reports, "problems": problems,
        "targets": [{"text": target.text, "value": value, "verdict": said} for target, value, said in verdicts],
    }


def main() -> int:
    options = parse()
    if options.list:
        print("\n".join(BENCHMARKS))
        return 0
    context = Context(options.programs, options.quick, options.smoke)
    described = machine.describe()
    print(", ".join(f"{name} {value}" for name, value in described.items()))
    results, failed = [], False
    for name in options.only or BENCHMARKS:
        for row in BENCHMARKS[name](context):
            figures, problems = run_row(row)
            if options.smoke:
                row.targets = []  # a single run on a small piece of work says nothing about speed
            table.print_row(row, figures, problems)
            results.append(as_json(row, figures, problems))
            failed = failed or any(problem.startswith("failed") for problem in problems.values())
            if options.json:
                with open(options.json, "w", encoding="utf-8") as file:
                    json.dump({"machine": described, "rows": results}, file, indent=1)
    return 1 if failed else 0


sys.exit(main())
