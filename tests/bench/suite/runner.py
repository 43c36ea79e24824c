# SPDX-License-Identifier: MIT
"""Runs rows: every contestant in turn, round after round, each run in a process of its own."""

import json
import subprocess
import sys

from .model import CANNOT_RUN_STATUS, CannotRun, Contestant, Figures, Row


class RunFailed(Exception):
    pass


def run_once(contestant: Contestant, names: dict) -> dict:
    command = [part.format(**names) for part in contestant.command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=contestant.limit_s)
    except subprocess.TimeoutExpired as late:
        raise RunFailed(f"not done after {contestant.limit_s:g} s: {' '.join(command)}") from late
    lines = done.stdout.strip().splitlines()
    if done.returncode == CANNOT_RUN_STATUS:
        raise CannotRun((done.stderr.strip().splitlines() or ["it does not say why"])[-1])
    if done.returncode != 0 or not lines:
        raise RunFailed(f"exit status {done.returncode}: {' '.join(command)}\n{done.stderr.strip()[-2000:]}")
    try:
        report = json.loads(lines[-1])
    except ValueError as wrong:
        raise RunFailed(f"no figures in its last line '{lines[-1][:200]}': {' '.join(command)}") from wrong
    if report.get("verified") is not True:
        raise RunFailed(f"did not do all of the work: {lines[-1][:500]}")
    if report.get("bytes") and report.get("seconds"):
        report.setdefault("mb_per_s", report["bytes"] / report["seconds"] / 1e6)
    return report


def run_row(row: Row) -> tuple[Figures, dict[str, str]]:
    """The figures, and by contestant why it was skipped or what went wrong."""
    reports: dict[str, list[dict]] = {c.name: [] for c in row.contestants if c.skip is None}
    problems = {c.name: c.skip for c in row.contestants if c.skip is not None}

    def run(contestant: Contestant, names: dict) -> None:
        try:
            reports[contestant.name].append(run_once(contestant, names))
        except CannotRun as why:
            problems[contestant.name] = f"skipped: {why}"
        except RunFailed as failure:
            problems[contestant.name] = f"failed: {failure}"
            print(f"  {contestant.name} failed: {failure}", file=sys.stderr, flush=True)

    def none_of_them(why: str) -> None:
        for contestant in row.contestants:
            problems.setdefault(contestant.name, why)

    try:
        with row.setting() as names:
            for round_number in range(row.rounds):
                # Every other round runs backwards, so that a drift of the machine favours nobody.
                for contestant in row.contestants if round_number % 2 == 0 else row.contestants[::-1]:
                    if contestant.name not in problems:
                        run(contestant, {**names, "round": round_number + 1})
    except CannotRun as why:
        none_of_them(f"skipped: {why}")
    except (OSError, RuntimeError) as failure:
        none_of_them(f"failed: {failure}")
        print(f"  {row.benchmark} failed: {failure}", file=sys.stderr, flush=True)
    return Figures(reports), problems
