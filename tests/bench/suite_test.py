# SPDX-License-Identifier: MIT
"""The suite's own arithmetic: a benchmark that reckons wrong is worse than none. tests/rules/bench_suite runs it."""

import contextlib
import io
import json
import math
import os
import sys
import tempfile
import unittest
from unittest import mock

from suite import pages, plots, table
from suite.__main__ import BENCHMARKS, judge_again, read_runs
from suite.latency import late_percent
from suite.model import OURS, CannotRun, Contestant, Context, Figures, Row, Target
from suite.runner import run_row


def says(report: dict) -> list[str]:
    text = json.dumps(report).replace("{", "{{").replace("}", "}}")
    return [sys.executable, "-c", f"print('a word before')\nprint('''{text}''')"]


def quiet_run(row: Row):
    with contextlib.redirect_stderr(io.StringIO()):
        return run_row(row)


class Runs(unittest.TestCase):
    def test_a_run_that_did_not_do_all_of_the_work_is_a_failure(self):
        row = Row("b", "w", [Contestant(OURS, says({"verified": False, "seconds": 1}))], {"seconds": "s"}, rounds=1)
        figures, problems = quiet_run(row)
        self.assertIn("failed", problems[OURS])
        self.assertEqual(figures.all(OURS, "seconds"), [])

    def test_a_run_that_says_nothing_or_ends_badly_is_a_failure(self):
        for command in ([sys.executable, "-c", "pass"], [sys.executable, "-c", "raise SystemExit(3)"], ["sleep", "30"]):
            row = Row("b", "w", [Contestant(OURS, command, limit_s=0.5)], {"seconds": "s"}, rounds=1)
            self.assertIn("failed", quiet_run(row)[1][OURS], command)

    def test_what_cannot_run_here_is_skipped_with_its_reason(self):
        cannot = [sys.executable, "-c", "import sys; print('no io_uring', file=sys.stderr); sys.exit(77)"]
        row = Row("b", "w", [Contestant(OURS, cannot)], {"seconds": "s"}, rounds=2)
        self.assertEqual(quiet_run(row)[1], {OURS: "skipped: no io_uring"})

    def test_a_setting_that_cannot_be_had_skips_the_row_and_one_that_breaks_fails_it(self):
        def broken(error: Exception):
            @contextlib.contextmanager
            def setting():
                raise error
                yield {}
            return setting

        for error, said in ((CannotRun("no tbf"), "skipped: no tbf"), (RuntimeError("no port"), "failed: no port")):
            row = Row("b", "w", [Contestant(OURS, says({"verified": True}))], {"seconds": "s"}, rounds=1, setting=broken(error))
            self.assertEqual(quiet_run(row)[1], {OURS: said})

    def test_contestants_take_turns_and_a_missing_one_is_named_with_its_reason(self):
        row = Row("b", "w", [Contestant(OURS, says({"verified": True, "seconds": 2, "bytes": 4e6})),
                             Contestant("peer", skip="it is not installed")], {"mb_per_s": "MB/s"}, rounds=3)
        figures, problems = quiet_run(row)
        self.assertEqual(figures.all(OURS, "mb_per_s"), [2.0, 2.0, 2.0])
        self.assertEqual(problems, {"peer": "it is not installed"})


class Ratios(unittest.TestCase):
    def test_a_ratio_pairs_the_runs_of_one_round(self):
        # The machine became ten times slower after the first round; the ratio does not notice.
        figures = Figures({OURS: [{"x": 100}, {"x": 10}, {"x": 11}], "peer": [{"x": 200}, {"x": 20}, {"x": 20}]})
        self.assertEqual(figures.ratio(OURS, "peer", "x"), 0.5)

    def test_a_percentile_of_all_rounds_is_of_all_ticks_or_messages_by_nearest_rank(self):
        rounds = [list(range(1, 51)), list(range(51, 201))]
        figures = Figures({OURS: [{"ticks_us": values, "waits_us": values} for values in rounds]})
        self.assertEqual((figures.pooled_p99(OURS, "ticks_us"), figures.pooled_p99(OURS, "waits_us")), (198, 198))
        self.assertNotEqual(figures.pooled_p99("nobody", "x"), figures.pooled_p99("nobody", "x"))  # NaN

    def test_what_is_late_is_the_mean_of_all_rounds(self):
        figures = Figures({OURS: [{"x": {"percent": 100}}, {"x": {"percent": 97}}]})
        self.assertEqual(late_percent(figures, OURS, "x.percent"), 1.5)

    def test_a_dotted_name_reaches_into_an_object(self):
        self.assertEqual(Figures({OURS: [{"tick_us": {"p99": 7}}]}).median(OURS, "tick_us.p99"), 7)


class Verdicts(unittest.TestCase):
    FIGURES = Figures({OURS: [{"us": 10}], "bare": [{"us": 8}], "alike": [{"us": 9.8}], "fast": [{"us": 4}]})

    def verdict(self, **target) -> str:
        return table.verdict(Target("t", lambda f: f.median(OURS, "us"), **target), self.FIGURES)[1]

    def test_a_target_is_held_or_missed_at_its_bound(self):
        self.assertEqual(self.verdict(at_most=10), "held")
        self.assertEqual(self.verdict(at_most=9), "missed")
        self.assertEqual(self.verdict(at_least=10), "held")
        self.assertEqual(self.verdict(at_least=11), "missed")

    def test_a_miss_is_the_machines_limit_only_when_bare_system_calls_miss_too(self):
        self.assertIn("limit", self.verdict(at_most=7, limit=lambda f: f.median("alike", "us")))
        self.assertEqual(self.verdict(at_most=7, limit=lambda f: f.median("bare", "us")), "missed (bare system calls: 8)")
        self.assertEqual(self.verdict(at_least=11, limit=lambda f: f.median("alike", "us")), "limit (bare system calls: 9.8)")
        self.assertEqual(self.verdict(at_most=7, limit=lambda f: f.median("fast", "us")), "missed")

    def test_what_chance_moves_further_than_the_noise_is_a_limit_while_it_cannot_be_told_from_it(self):
        def runs(tail: list[int]) -> list[dict]:
            return [{"ticks": [100] * 98 + [late, late]} for late in tail]

        def said(ours: list[int], bare: list[int], times: int = 3) -> str:
            figures = Figures({OURS: runs(ours * times), "bare": runs(bare * times)})
            return table.verdict(Target("t", lambda f: f.pooled_p99(OURS, "ticks"), at_most=150, limit=lambda f: f.pooled_p99("bare", "ticks"),
                                        ratio_range=lambda f: f.p99_ratio_range(OURS, "bare", "ticks")), figures)[1]

        bare = [200, 210, 220, 230, 250, 310, 330]  # the fourth is the 99th percentile of all
        limit, missed = r"^limit \(bare system calls: 230; FramePump / bare: ", r"^missed \(bare system calls: 230; FramePump / bare: "
        self.assertRegex(said([200, 210, 220, 248, 250, 310, 330], bare), limit + r"0\.\d+ to 1\.\d+\)$")  # by 8 %, perhaps by chance
        self.assertRegex(said([200, 210, 220, 267, 280, 310, 330], bare), missed + r"0\.\d+ to 1\.\d+\)$")  # by 16 %, perhaps by chance
        self.assertRegex(said([248] * 7, [230] * 7), missed + r"1\.08 to 1\.08\)$")  # by 8 %, not by chance
        self.assertEqual(said([200, 210, 220, 248, 250, 310, 330], bare, times=1), "missed (bare system calls: 230)")  # too few to tell

    def test_a_rare_event_is_compared_by_its_number_in_all_rounds(self):
        def above(ours: list[int], bare: list[int]) -> float:
            return Figures({OURS: [{"late": n} for n in ours], "bare": [{"late": n} for n in bare]}).deviations_above(OURS, "bare", "late")

        self.assertEqual(above([0, 0, 0], [0, 0, 0]), 0)
        self.assertLess(above([0, 0, 0], [0, 2, 0]), 0)
        self.assertEqual(above([1, 2, 1], [0, 0, 0]), 2)
        self.assertEqual(above([3, 3, 3], [0, 0, 0]), 3)
        self.assertLess(above([3, 3, 3], [1, 2, 1]), 2)
        self.assertGreater(above([30, 30, 40], [20, 20, 20]), 2)
        self.assertTrue(math.isnan(above([2, 2], [1, 0, 0])))

    def test_a_target_without_figures_is_unknown(self):
        self.assertEqual(table.verdict(Target("t", lambda f: f.median("nobody", "us"), at_most=1), self.FIGURES)[1], "unknown")
        self.assertEqual(table.verdict(Target("t", lambda f: max(f.all("nobody", "us")), at_most=1), self.FIGURES)[1], "unknown")
        for missing in ("nobody", OURS), (OURS, "nobody"):
            self.assertEqual(table.verdict(Target("t", lambda f: f.deviations_above(*missing, "us"), at_most=2), self.FIGURES)[1], "unknown")


class Rows(unittest.TestCase):
    def test_every_row_has_framepump_and_names_nobody_twice(self):
        for context in (Context("nowhere", smoke=True), Context("nowhere", quick=True), Context("nowhere")):
            for benchmark in BENCHMARKS.keys() - {"micro"}:
                for row in BENCHMARKS[benchmark](context):
                    names = [contestant.name for contestant in row.contestants]
                    self.assertEqual(len(names), len(set(names)), f"{benchmark}: {row.work}: {names}")
                    self.assertIn(OURS, names, f"{benchmark}: {row.work}")
                    self.assertEqual(row.benchmark, benchmark)


class Sources(unittest.TestCase):
    def merged(self, *runs: dict) -> dict:
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, f"{number}.json") for number in range(len(runs))]
            for path, run in zip(paths, runs):
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(run, file)
            return read_runs(paths)

    @staticmethod
    def run_of(date: str, *rows: tuple[str, str], only: str | None = None) -> dict:
        return {"machine": {"date": date}, "only_rows": only,
                "rows": [{"benchmark": name, "work": work, "date": date} for name, work in rows]}

    def test_a_benchmark_is_taken_from_the_last_file_that_has_it(self):
        merged = self.merged(self.run_of("old", ("wan", "a"), ("wan", "b"), ("idle", "c")), self.run_of("new", ("wan", "d"), ("wan", "b")))
        self.assertEqual([(row["work"], row["machine"]["date"], row["again"]) for row in merged["rows"]],
                         [("d", "new", False), ("b", "new", True), ("c", "old", False)])

    def test_a_file_of_some_rows_replaces_these_only(self):
        merged = self.merged(self.run_of("old", ("wan", "a"), ("wan", "b")), self.run_of("new", ("wan", "a"), only="a"))
        self.assertEqual([(row["work"], row["date"], row["again"]) for row in merged["rows"]], [("a", "new", True), ("b", "old", False)])

    def test_the_targets_of_today_are_held_against_stored_figures(self):
        now = Row("b", "w", [], {}, [Target("new", lambda f: f.median(OURS, "x"), at_most=2)])
        old = {"targets": [{"text": "old"}], "reports": {OURS: [{"x": 3}]}}
        run = {"rows": [{"benchmark": "b", "work": "w", **old}, {"benchmark": "b", "work": "another", **old}]}
        with mock.patch.dict(BENCHMARKS, {"b": lambda _: [now]}, clear=True):
            judge_again(run, Context("nowhere"))
        self.assertEqual([row["targets"] for row in run["rows"]], [[{"text": "new", "value": 3, "verdict": "missed"}], [{"text": "old"}]])


class Pages(unittest.TestCase):
    RUN = {
        "rows": [{"benchmark": "b", "work": "some work", "parameters": {}, "columns": {"x": "X"}, "problems": {"peer": "not there"},
                  "machine": {"date": "2026-01-02", "processor": "P", "cores": 2, "kernel": "6.1", "load": 0},
                  "reports": {OURS: [{"x": 3}], "bare": [{"x": 4}]},
                  "targets": [{"text": "at least half", "value": 0.75, "verdict": "held"}]}],
    }

    def test_the_pages_change_between_their_markers_only(self):
        with tempfile.TemporaryDirectory() as folder:
            performance, readme = os.path.join(folder, "performance.md"), os.path.join(folder, "README.md")
            for path, names in ((performance, ["targets", "plots", "tables"]), (readme, ["figures"])):
                with open(path, "w", encoding="utf-8") as file:
                    file.write("before\n" + "".join(f"<!-- {name} -->\nold\n<!-- end of {name} -->\n" for name in names) + "after\n")
            with mock.patch.multiple(pages, PERFORMANCE=performance, README=readme), mock.patch.multiple(
                    plots, draw_all=lambda *_: [], why_not=lambda: None):
                pages.write(self.RUN)
                pages.write(self.RUN)
            with open(performance, encoding="utf-8") as file:
                text = file.read()
            self.assertTrue(text.startswith("before\n") and text.endswith("after\n"))
            self.assertNotIn("old", text)
            self.assertEqual(text.count("| bare | 4 | 0.75 x |"), 1)
            self.assertIn("| peer | not there |", text)
            with open(readme, encoding="utf-8") as file:
                self.assertIn("| `b` | some work | at least half | 0.75 | 1 held |", file.read())

    def test_the_pages_tell_what_was_measured_again(self):
        (row,) = self.RUN["rows"]
        run = {"rows": [{**row, "again": False}, {**row, "again": True}]}
        self.assertTrue(pages.on_what(run).endswith("Linux 6.1. 1 of 2 rows were measured again after the others."))
        self.assertTrue(pages.on_what(self.RUN).endswith("Linux 6.1."))
        self.assertEqual(["(1 round, measured again)" in pages.row_table(row) for row in run["rows"]], [False, True])

    def test_a_page_without_its_marker_is_an_error_that_names_it(self):
        with tempfile.NamedTemporaryFile("w", suffix=".md") as page:
            with self.assertRaisesRegex(SystemExit, "figures"):
                pages.replace_between(page.name, "figures", "new")


if __name__ == "__main__":
    unittest.main()
