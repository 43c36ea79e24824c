# SPDX-License-Identifier: MIT
"""Draws a run's figures as SVG with gnuplot: throughput over frame rate, throughput over RTT, the distribution of tick times."""

import os
import shutil
import statistics
import subprocess
from typing import Iterable

from .model import OURS, figure

# Okabe and Ito's colours, which hold for colour-blind eyes. FramePump is always the first.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#F0E442"]

# Whom the bulk plots show, by the beginnings of their names: one for each way to pump, or nothing could be told apart.
BULK = [OURS, "bare drain loop", "blocking thread", "asio, poll_one()", "libuv, NOWAIT", "libevent, NONBLOCK", "Twisted", "Godot 3, 64 KiB chunk ("]

STYLE = """set terminal svg noenhanced size 720,520 dynamic background '#ffffff' font 'sans-serif,13'
set output '{output}'
set title '{title}'
set xlabel '{x}'
set ylabel '{y}'
set grid back lc rgb '#dddddd'
set border 3 lc rgb '#666666'
set tics nomirror
set key below center maxrows 4
"""


def rows_of(run: dict, benchmark: str) -> list[dict]:
    return [row for row in run["rows"] if row["benchmark"] == benchmark]


def median(row: dict, contestant: str, name: str) -> float | None:
    reports = row["reports"].get(contestant)
    try:
        return statistics.median(figure(report, name) for report in reports) if reports else None
    except (KeyError, TypeError):
        return None


def contestants(rows: Iterable[dict]) -> list[str]:
    """Those that have figures, FramePump first, the others in the table's order."""
    names = dict.fromkeys(name for row in rows for name, reports in row["reports"].items() if reports)
    return sorted(names, key=lambda name: name != OURS)


def shown(rows: Iterable[dict], beginnings: list[str]) -> list[str]:
    """For each beginning the first contestant whose name has it, if there is one."""
    names = contestants(rows)
    found = (next((name for name in names if name.startswith(beginning)), None) for beginning in beginnings)
    return [name for name in found if name is not None]


def draw(path: str, title: str, x: str, y: str, series: dict[str, list[tuple[float, float]]], more: str = "",
         style: str = "linespoints pointtype 7 pointsize 0.6") -> None:
    script = STYLE.format(output=path, title=title, x=x, y=y) + more
    blocks, lines = "", []
    for number, (name, points) in enumerate(series.items()):
        blocks += f"$series{number} << EOD\n" + "".join(f"{px} {py}\n" for px, py in points) + "EOD\n"
        width = 2.5 if name == OURS else 1.5
        colour = COLOURS[number % len(COLOURS)]
        lines.append(f"$series{number} using 1:2 with {style} linewidth {width} linecolor rgb '{colour}' title '{name}'")
    subprocess.run(["gnuplot"], input=blocks + script + "plot " + ", \\\n  ".join(lines) + "\n", text=True, check=True)


def frame_rate(run: dict, directory: str) -> list[str]:
    rows = [row for row in rows_of(run, "bulk_locked") if "fps" in row["parameters"]]  # not those of the ticks
    series = {name: [(row["parameters"]["fps"], rate) for row in rows if (rate := median(row, name, "mb_per_s")) is not None]
              for name in shown(rows, BULK)}
    series = {name: points for name, points in series.items() if len(points) > 1}
    if not series:
        return []
    path = f"{directory}/frame-rate.svg"
    draw(path, "115 MB over loopback, 2 ms a frame", "frames a second", "MB/s", series,
         "set logscale y\nset yrange [0.1:]\nset xtics (30, 60, 144)\n")
    return [path]


def round_trip(run: dict, directory: str) -> list[str]:
    """One picture for each rate of the link, of the links without loss."""
    paths = []
    rows = [row for row in rows_of(run, "wan") if not row["parameters"].get("loss")]
    for rate in sorted({row["parameters"]["mbit"] for row in rows}):
        of_rate = [row for row in rows if row["parameters"]["mbit"] == rate and row["parameters"].get("congestion", "cubic") == "cubic"
                   and row["parameters"].get("shape", "unmerged") == "unmerged"]
        series = {name: sorted((row["parameters"]["rtt_ms"], speed) for row in of_rate if (speed := median(row, name, "mb_per_s")) is not None)
                  for name in contestants(of_rate)}
        series = {name: points for name, points in series.items() if len(points) > 1}
        if series:
            path = f"{directory}/round-trip-{rate:g}.svg"
            draw(path, f"A link of {rate:g} Mbit/s, without loss", "round trip, ms", "MB/s", series,
                 "set logscale x\nset yrange [0:]\nset xtics (4, 10, 50, 150)\n")
            paths.append(path)
    return paths


def tick_times(run: dict, directory: str) -> list[str]:
    """How many of the ticks of all rounds took at most so long, at 60 frames a second."""
    rows = [row for row in rows_of(run, "bulk_locked") if row["parameters"].get("fps") == 60]
    series = {}
    for name in shown(rows, BULK):
        ticks = sorted(tick for row in rows for report in row["reports"][name] for tick in report.get("ticks_us", []))
        if ticks:
            series[name] = [(ticks[max(0, len(ticks) * percent // 100 - 1)] / 1000, percent) for percent in range(1, 101)]
    if not series:
        return []
    path = f"{directory}/tick-times.svg"
    draw(path, "Ticks at 60 frames a second, slice 2 ms", "ms", "percent of ticks at most as long", series,
         "set logscale x\nset xrange [0.1:100]\nset arrow from 2, graph 0 to 2, graph 1 nohead dashtype 2 linecolor rgb '#666666'\n", "steps")
    return [path]


def why_not() -> str | None:
    return None if shutil.which("gnuplot") else "gnuplot (gnuplot-nox) is not installed"


def draw_all(run: dict, directory: str) -> list[str]:
    """Paths of what could be drawn from the run."""
    if why_not() is not None:
        print(f"no plots: {why_not()}")
        return []
    os.makedirs(directory, exist_ok=True)
    return frame_rate(run, directory) + round_trip(run, directory) + tick_times(run, directory)
