# SPDX-License-Identifier: MIT
"""Writes a run's tables and plots into the pages that show them, between markers; what is around the markers is written by hand."""

import os
import re

from . import plots
from .model import OURS, Figures, has_failed
from .table import has, number

PERFORMANCE = "plugin/docs/performance.md"
README = "README.md"
PICTURES = "assets/pictures"


def on_what(run: dict) -> str:
    """Of several runs every machine, kernel and day, and how much of the first did not stay."""
    machines = [row["machine"] for row in run["rows"]]
    said = [f"{machine['date']}: {machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}" for machine in machines]
    again = sum(row.get("again", False) for row in run["rows"])
    of_them = f" {again} of {len(machines)} rows were measured again after the others." if again else ""
    return f"Measured on {'; '.join(dict.fromkeys(said))}.{of_them}"


def row_table(row: dict) -> str:
    figures, columns = Figures(row["reports"]), row["columns"]
    main = next(iter(columns))
    rounds = max((len(reports) for reports in row["reports"].values()), default=0)
    again = ", measured again" if row.get("again") else ""
    lines = [f"**{row['work']}** ({rounds} round{'s' if rounds != 1 else ''}{again})", "",
             "| | " + " | ".join(columns.values()) + " | FramePump is |", "|---|" + "---:|" * (len(columns) + 1)]
    for name in list(row["reports"]) + [name for name in row["problems"] if name not in row["reports"]]:
        if name in row["problems"]:
            lines.append(f"| {name} | {row['problems'][name].splitlines()[0]} |" + " |" * len(columns))
            continue
        cells = [number(figures.median(name, column)) if has(figures, name, column) else "-" for column in columns]
        is_compared = name != OURS and has(figures, OURS, main) and has(figures, name, main)
        ratio = f"{number(figures.ratio(OURS, name, main))} x" if is_compared else ""
        lines.append(f"| {name} | {' | '.join(cells)} | {ratio} |")
    lines += ["", *(f"- {target['verdict']}: {target['text']}: {number(target['value'])}" for target in row["targets"])]
    return "\n".join(lines) + "\n"


def target_table(run: dict) -> str:
    lines = ["| benchmark | work | target | measured | |", "|---|---|---|---:|---|"]
    for row in run["rows"]:
        for target in row["targets"]:
            lines.append(f"| `{row['benchmark']}` | {row['work']} | {target['text']} | {number(target['value'])} | {target['verdict']} |")
    return "\n".join(lines) + "\n"


def short_table(run: dict) -> str:
    """One line for each benchmark: its first target, and what came of all its targets."""
    lines = ["| benchmark | work | target | measured | of all its targets |", "|---|---|---|---:|---|"]
    for benchmark in dict.fromkeys(row["benchmark"] for row in run["rows"]):
        targets = [(row, target) for row in plots.rows_of(run, benchmark) for target in row["targets"]]
        if targets:
            row, first = targets[0]
            words = [target["verdict"].split()[0] for _, target in targets]
            said = ", ".join(f"{words.count(word)} {word}" for word in ("held", "limit", "missed", "unknown") if word in words)
            lines.append(f"| `{benchmark}` | {row['work']} | {first['text']} | {number(first['value'])} | {said} |")
    return "\n".join(lines) + "\n"


def replace_between(path: str, marker: str, text: str) -> None:
    with open(path, encoding="utf-8") as file:
        page = file.read()
    pattern = re.compile(rf"(<!-- {marker} -->\n).*?(<!-- end of {marker} -->)", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{path} has no place for '{marker}'")
    with open(path, "w", encoding="utf-8") as file:
        file.write(pattern.sub(lambda match: match[1] + text + match[2], page))


def pictures(paths: list[str], where: str) -> str:
    return "".join(f"![{os.path.splitext(os.path.basename(path))[0].replace('-', ' ')}]({where}{path})\n" for path in paths)


def write(run: dict) -> None:
    if plots.why_not() is not None:
        raise SystemExit(f"the pages stay as they are: {plots.why_not()}")
    if failed := [row["work"] for row in run["rows"] if any(map(has_failed, row["problems"].values()))]:
        raise SystemExit(f"the pages stay as they are: not everyone did the work of '{failed[0]}'")
    drawn = plots.draw_all(run, PICTURES)
    replace_between(PERFORMANCE, "targets", f"{on_what(run)}\n\n{target_table(run)}")
    replace_between(PERFORMANCE, "plots", pictures(drawn, "../../"))
    by_benchmark = {row["benchmark"]: plots.rows_of(run, row["benchmark"]) for row in run["rows"]}
    replace_between(PERFORMANCE, "tables", "\n".join(
        f"### {name}\n\n" + "\n".join(row_table(row) for row in rows) for name, rows in by_benchmark.items()))
    best = [path for path in drawn if "frame-rate" in path or "tick-times" in path]
    replace_between(README, "figures", f"{on_what(run)}\n\n{short_table(run)}\n{pictures(best, '')}")
