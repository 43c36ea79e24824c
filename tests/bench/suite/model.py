# SPDX-License-Identifier: MIT
"""What a benchmark is made of: rows of the table, the contestants that do a row's work, and the targets held against their figures."""

import contextlib
import math
import os
import random
import statistics
from dataclasses import dataclass, field
from typing import Callable, ContextManager, Optional

OURS = "FramePump"
# A program ends with this status when a privilege or a part of the kernel is missing, and says which on its standard error.
CANNOT_RUN_STATUS = 77


def has_failed(problem: str) -> bool:
    """Of what a contestant did not do: it could have, but went wrong."""
    return problem.startswith("failed")


class CannotRun(Exception):
    """Why something cannot be measured here. It is skipped and named, and nothing has failed."""


NOISE = 1.05
NOISE_OF_CHANCE = 1.1
REDRAWS = 1000
FEWEST_ROUNDS = 20  # from which it can be told what chance does


@dataclass
class Contestant:
    """Someone who does a row's work: a command that does one run and prints its figures as one JSON object, the last line of its output.

    The object holds "verified": true when all of the work was done and right; a run that does not say so fails the benchmark. `skip`
    is why it cannot run here (a missing package or privilege)."""

    name: str
    command: list[str] = field(default_factory=list)
    skip: Optional[str] = None
    limit_s: float = 120


@dataclass
class Target:
    """A promise about a row. `measure` gets the row's figures and returns the number that must be at least or at most `bound`.

    `limit` measures the same of a program of bare system calls: when that misses too and we are no worse, this machine is the limit.
    `ratio_range` is where measure / limit lies with about 95 %, for an `at_most` that chance moves further than NOISE: where that may be 1, no
    worse is what is within NOISE_OF_CHANCE. None: it cannot be told."""

    text: str
    measure: Callable[["Figures"], float]
    at_least: Optional[float] = None
    at_most: Optional[float] = None
    limit: Optional[Callable[["Figures"], float]] = None
    ratio_range: Callable[["Figures"], Optional[tuple[float, float]]] = lambda _: None

    def holds(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def is_as_good_as(self, value: float, other: float) -> bool:
        """Within the noise of such measurements. Both are far from zero: of a share it is the part that is late, not the part in time."""
        return value >= other / NOISE if self.at_least is not None else value <= other * NOISE


@dataclass
class Row:
    """One piece of work, done by every contestant in turn, `rounds` times. `columns` are the figures shown, best known first; a
    dotted name reaches into an object. `setting` is entered around all runs; what it yields fills {names} in the commands, and {round} is the number of the round."""

    benchmark: str
    work: str
    contestants: list[Contestant]
    columns: dict[str, str]  # figure -> heading with unit
    targets: list[Target] = field(default_factory=list)
    rounds: int = 3
    parameters: dict[str, float | str] = field(default_factory=dict)  # what plots put on an axis: fps, rtt_ms ...
    setting: Callable[[], ContextManager[dict]] = lambda: contextlib.nullcontext({})


@dataclass
class Context:
    """What the suite was asked for. `smoke`: the least work that shows that it is done right, for the tests."""

    programs: str  # folder of the compiled programs
    quick: bool = False
    smoke: bool = False
    most_rounds: int | None = None

    def program(self, name: str) -> str:
        return f"{self.programs}/{name}"

    def rounds(self, full: int) -> int:
        return 1 if self.smoke else min(full, 3 if self.quick else full, self.most_rounds or full)


def missing(context: Context, program: str) -> Optional[str]:
    """Why a peer's program cannot run; None when it can."""
    if os.path.exists(context.program(program)):
        return None
    return f"the library of {program} was not there when the benchmarks were built"


def figure(report: dict, name: str) -> float:
    value = report
    for part in name.split("."):
        value = value[part]
    return float(value)


def p99_of(reports: list[dict], name: str) -> float:
    """The 99th percentile of all their lists in one, by nearest rank."""
    values = sorted(value for report in reports for value in report[name])
    return values[math.ceil(0.99 * len(values)) - 1] if values else float("nan")


class Figures:
    """The reports of one row, by contestant, in the order of the rounds."""

    def __init__(self, reports: dict[str, list[dict]]):
        self.reports = reports

    def all(self, contestant: str, name: str) -> list[float]:
        return [figure(report, name) for report in self.reports.get(contestant, [])]

    def median(self, contestant: str, name: str) -> float:
        values = self.all(contestant, name)
        return statistics.median(values) if values else float("nan")

    def mean(self, contestant: str, name: str) -> float:
        values = self.all(contestant, name)
        return statistics.fmean(values) if values else float("nan")

    def pooled_p99(self, contestant: str, name: str) -> float:
        """Over the lists of all rounds: one round has too few for a 99th percentile."""
        return p99_of(self.reports.get(contestant, []), name)

    def deviations_above(self, contestant: str, other: str, name: str) -> float:
        """How many standard deviations more of a rare event than the other's, over all rounds. Two counts of events that are equally likely
        differ by more than two of them in some 2 % of cases, if the events come one by one (Poisson)."""
        ours, others = self.all(contestant, name), self.all(other, name)
        if not ours or len(ours) != len(others):
            return math.nan
        return (sum(ours) - sum(others)) / math.sqrt(max(sum(ours) + sum(others), 1))

    def p99_ratio_range(self, contestant: str, other: str, name: str) -> Optional[tuple[float, float]]:
        """Where the ratio of two pooled 99th percentiles lies with about 95 %: percentile bootstrap over the rounds (Efron 1979), since what the
        machine did in a round moved all of its values. None: too few rounds."""
        if min(len(self.reports[who]) for who in (contestant, other)) < FEWEST_ROUNDS:
            return None
        chance = random.Random(1)

        def p99_of_redrawn(who: str) -> float:
            return p99_of(chance.choices(self.reports[who], k=len(self.reports[who])), name)

        ratios = sorted(p99_of_redrawn(contestant) / p99_of_redrawn(other) for _ in range(REDRAWS))
        return ratios[REDRAWS // 40], ratios[-1 - REDRAWS // 40]

    def ratio(self, contestant: str, other: str, name: str) -> float:
        """The median of the ratios of runs of the same round: noise that lasts longer than a round cancels out."""
        pairs = zip(self.all(contestant, name), self.all(other, name))
        ratios = [a / b for a, b in pairs if b]
        return statistics.median(ratios) if ratios else float("nan")
