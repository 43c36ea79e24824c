# SPDX-License-Identifier: MIT
"""Prints rows as they end: one line for each contestant, one for each target."""

import math
from typing import Callable

from .model import NOISE_OF_CHANCE, OURS, Figures, Row, Target, has_failed


def number(value: float) -> str:
    if math.isnan(value):
        return "-"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(values: list[float]) -> str:
    return f"{number(min(values))}..{number(max(values))}" if len(values) > 1 else ""


def verdict(target: Target, figures: Figures) -> tuple[float, str]:
    """What was measured, and 'held', 'missed', or 'limit' when bare system calls miss it in the same run and do no better."""
    value = measured(target.measure, figures)
    if math.isnan(value):
        return value, "unknown"
    if target.holds(value):
        return value, "held"
    limit = measured(target.limit, figures) if target.limit is not None else math.nan
    if math.isnan(limit) or target.holds(limit):
        return value, "missed"
    said = f"bare system calls: {number(limit)}"
    is_as_good = target.is_as_good_as(value, limit)
    if (ratio_range := target.ratio_range(figures)) is not None:
        low, high = ratio_range
        said += f"; FramePump / bare: {number(low)} to {number(high)}"
        is_as_good |= low <= 1 and value <= limit * NOISE_OF_CHANCE
    return value, f"{'limit' if is_as_good else 'missed'} ({said})"


def measured(measure: Callable[[Figures], float], figures: Figures) -> float:
    """NaN where a contestant that it needs did not run."""
    try:
        return measure(figures)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return math.nan


def print_row(row: Row, figures: Figures, problems: dict[str, str]) -> None:
    print(f"\n{row.benchmark}: {row.work}")
    columns = list(row.columns)
    main = columns[0]
    width = max(len(c.name) for c in row.contestants) + 2
    headings = "".join(f"{heading:>16}" for heading in row.columns.values())
    print(f"  {'':{width}}{headings}{'spread':>18}{'FramePump is':>14}")
    for contestant in row.contestants:
        if contestant.name in problems:
            print(f"  {contestant.name:{width}}{problems[contestant.name].splitlines()[0]}")
            continue
        cells = "".join(f"{number(figures.median(contestant.name, c)):>16}" if has(figures, contestant.name, c) else f"{'-':>16}"
                        for c in columns)
        ratio = ""
        if contestant.name != OURS and has(figures, OURS, main) and has(figures, contestant.name, main):
            ratio = f"{number(figures.ratio(OURS, contestant.name, main))} x"
        values = figures.all(contestant.name, main) if has(figures, contestant.name, main) else []
        print(f"  {contestant.name:{width}}{cells}{spread(values) if values else '':>18}{ratio:>14}")
    for target in row.targets:
        value, said = verdict(target, figures)
        print(f"  target {said}: {target.text}: {number(value)}")
    print(end="", flush=True)


def print_for_tests(row: Row, problems: dict[str, str]) -> None:
    """Whether the work was done, as tests/run reads it: a single run on a small piece of work says nothing about speed."""
    for contestant in row.contestants:
        name = f"bench: {row.benchmark}: {row.work}: {contestant.name}"
        problem = problems.get(contestant.name)
        if problem is None:
            print(f"ok {name}")
        elif has_failed(problem):
            print(f"FAIL {name}: {problem}")
        else:
            print(f"SKIP {name}: {problem}")
    print(end="", flush=True)


def has(figures: Figures, contestant: str, name: str) -> bool:
    try:
        return bool(figures.all(contestant, name))
    except (KeyError, TypeError):
        return False
