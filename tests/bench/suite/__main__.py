# SPDX-License-Identifier: MIT
"""The benchmark suite; tests/bench/run sets up and starts it."""

import argparse
import json
import signal
import sys

from . import accept_storm, bulk, download, enet, fairness, latency, machine, messages, micro, pages, plots, table, tls, wan, wan_layers
from .model import Context, Figures, Row, has_failed
from .runner import run_row

MODULES = (bulk, download, tls, wan, wan_layers, messages, accept_storm, fairness, latency, enet, micro)
BENCHMARKS = {name: rows for module in MODULES for name, rows in module.BENCHMARKS.items()}


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not at least 1")
    return value


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/bench/run",
        description="Measures FramePump, its peers and the bare system calls on the same work in one run: each contestant in turn, "
        "round after round. Prints for each the median, the spread and FramePump's ratio, and for each target whether it holds.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and only the diagonal of the large matrix")
    parser.add_argument("--rounds", metavar="N", type=positive, help="at most N rounds of each benchmark")
    parser.add_argument("--smoke", action="store_true",
                        help="the least work, once, for the tests: says of each contestant whether it did it right")
    parser.add_argument("--only", metavar="NAME", action="append", choices=sorted(BENCHMARKS),
                        help=f"only this benchmark; may be repeated; one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--row", metavar="TEXT", help="only rows whose title has this in it")
    parser.add_argument("--json", metavar="FILE", help="write every figure of every run")
    parser.add_argument("--plots", metavar="DIR", help="draw what the run measured as SVG files (needs gnuplot)")
    parser.add_argument("--pages", action="store_true",
                        help="write the tables and plots of this run, or with --from of that file, into plugin/docs/performance.md "
                        "and README.md")
    parser.add_argument("--from", dest="sources", metavar="FILE", action="append",
                        help="do not measure: take the figures that --json wrote and hold the targets against them; may be repeated: a "
                        "benchmark's from the last file that has it, and with --row a row's")
    parser.add_argument("--list", action="store_true", help="print the names of the benchmarks")
    parser.add_argument("--programs", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pages and (options.only or options.row or options.smoke):
        parser.error("--pages wants a whole run, without --only, --row and --smoke")
    options.programs = options.programs or f"build/bench/{'debug' if options.smoke else 'release'}"
    return options


def judged(row: Row, figures: Figures) -> list[dict]:
    verdicts = [(target, *table.verdict(target, figures)) for target in row.targets]
    return [{"text": target.text, "value": value, "verdict": said} for target, value, said in verdicts]


def as_json(row: Row, figures: Figures, problems: dict[str, str], on: dict) -> dict:
    return {
        "benchmark": row.benchmark, "work": row.work, "parameters": row.parameters, "columns": row.columns, "reports": figures.reports,
        "problems": problems, "targets": judged(row, figures), "machine": on,
    }


def measure(options: argparse.Namespace) -> tuple[dict, bool]:
    """Everything that was measured, and whether all contestants did their work."""
    context = Context(options.programs, options.quick, options.smoke, options.rounds)
    run, went_well = {"machine": machine.describe(), "only_rows": options.row, "rows": []}, True
    print(", ".join(f"{name} {value}" for name, value in run["machine"].items()))
    for name in options.only or BENCHMARKS:
        for row in BENCHMARKS[name](context):
            if options.row and options.row not in row.work:
                continue
            figures, problems = run_row(row)
            if options.smoke:
                table.print_for_tests(row, problems)
            else:
                table.print_row(row, figures, problems)
            run["rows"].append(as_json(row, figures, problems, run["machine"]))
            went_well = went_well and not any(map(has_failed, problems.values()))
            if options.json:  # after every row: a long run that is broken off keeps what it has
                with open(options.json, "w", encoding="utf-8") as file:
                    json.dump(run, file, indent=1)
    return run, went_well


def read_runs(paths: list[str]) -> dict:
    """One run out of several: each benchmark from the last that has it, in the suite's order. A run of some rows only replaces these. Rows that
    an earlier one had, too, say so."""
    benchmarks: dict[str, dict[str, dict]] = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            run = json.load(file)
        for row in run["rows"]:
            row.setdefault("machine", run["machine"])
        for name in {row["benchmark"]: None for row in run["rows"]}:
            before = benchmarks.get(name, {})
            rows = {row["work"]: {**row, "again": row["work"] in before} for row in run["rows"] if row["benchmark"] == name}
            benchmarks[name] = {**before, **rows} if run.get("only_rows") else rows
    return {"rows": [row for name in BENCHMARKS for row in benchmarks.get(name, {}).values()]}


def judge_again(run: dict, context: Context) -> None:
    """Holds the targets of today against figures of another day, in the rows that still do the same work."""
    rows = {(name, row.work): row for name in BENCHMARKS for row in BENCHMARKS[name](context)}
    for stored in run["rows"]:
        if row := rows.get((stored["benchmark"], stored["work"])):
            stored["targets"] = judged(row, Figures(stored["reports"]))


def end_orderly() -> None:
    """Whoever ends us gets the same as with Ctrl-C: limits of the machine are put back, and helpers end."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda number, _: sys.exit(128 + number))


def main() -> int:
    options = parse()
    end_orderly()
    if options.list:
        print("\n".join(BENCHMARKS))
        return 0
    if options.sources:
        run, went_well = read_runs(options.sources), True
        judge_again(run, Context(options.programs))
    else:
        run, went_well = measure(options)
        if not run["rows"]:
            raise SystemExit(f"no row has '{options.row}' in its title: its benchmark prints them")
    if options.plots:
        plots.draw_all(run, options.plots)
    if options.pages:
        if absent := BENCHMARKS.keys() - {row["benchmark"] for row in run["rows"]}:
            raise SystemExit(f"the pages stay as they are: nothing was measured of {', '.join(sorted(absent))}")
        pages.write(run)
    return 0 if went_well else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
