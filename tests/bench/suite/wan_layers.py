# SPDX-License-Identifier: MIT
"""What TLS and downloads leave of a plain stream over emulated links. Everyone's clock starts before it connects, since a download's cannot
start later; one sender serves all, as bytes or as the answer to a request."""

import contextlib
import os
import shutil
import tempfile
from typing import Iterator

from .bulk import PEERS
from .certificate import CIPHER, certificate
from .model import OURS, Contestant, Context, Row, Target
from .senders import running
from .wan import SLICE, SLICE_US, Link, why_not

TLS = ["--certificate", "{certificate}", "--key", "{key}"]
KNOWN = ["--ca-file", "{certificate}"]
PACES = {", 60 fps": ["--fps", "60"], ", 30 fps": ["--fps", "30"], ", threaded": ["--fps", "60", "--threaded"]}
AT_LEAST = 0.9


class LayerLink(Link):
    @contextlib.contextmanager
    def setting(self) -> Iterator[dict]:
        """Everything that contestants without privileges read and write."""
        with contextlib.ExitStack() as stack:
            names = {**stack.enter_context(super().setting()), **stack.enter_context(certificate())}
            names["scratch"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="framepump-bench-"))
            os.chmod(names["scratch"], 0o777)
            greeting = stack.enter_context(running([self.context.program("bench_sender"), "--bytes", str(self.size)]))
            yield {**names, "hash": greeting["hash"]}

    def reader(self, name: str, program: str, *more: str, sender: list[str] = []) -> Contestant:
        return Contestant(name, self.command(self.size, self.context.program(program), *more, sender=sender), skip=why_not(self.congestion))

    def stream(self, name: str, *more: str, sender: list[str] = []) -> Contestant:
        return self.reader(name, "bench_bulk_framepump", "--from-connect", *SLICE, *more, sender=sender)

    def download(self, name: str, scheme: str, *more: str, sender: list[str] = []) -> Contestant:
        return self.reader(name, "bench_download", "--scheme", scheme, "--path", "{scratch}/ours", *SLICE, *more, sender=["--http", *sender])

    def curl(self, name: str, scheme: str, *more: str, sender: list[str] = []) -> Contestant:
        command = self.command(self.size, "/usr/bin/python3", f"{PEERS}/download_curl.py", "--scheme", scheme, "--path", "{scratch}/curls",
                               "--hash", "{hash}", *more, sender=["--http", *sender])
        return Contestant(name, command, skip=why_not(self.congestion) if shutil.which("curl") else "skipped: curl not installed")


def links(context: Context) -> list[LayerLink]:
    """A few of the matrix, for three seconds each: what happens within the first round trips is a part of it, not most of it."""
    chosen = [(4, 50)] if context.smoke else [(10, 100), (50, 200)] if context.quick else [(10, 100), (50, 200), (10, 500)]
    return [LayerLink(context, rtt, mbit, size=int(mbit * 1e6 / 8 * (0.2 if context.smoke else 3))) for rtt, mbit in chosen]


def row(benchmark: str, what: str, link: LayerLink, contestants: list[Contestant], targets: list[Target]) -> Row:
    return Row(
        benchmark, f"{what}; {link.describe()}; slice {SLICE_US // 1000} ms", contestants, {"mb_per_s": "MB/s", "seconds": "seconds"}, targets,
        rounds=link.context.rounds(3),
        parameters={"rtt_ms": link.rtt_ms, "mbit": link.mbit},
        setting=link.setting,
    )


def of_plain(ours: str, plain: str, limit: tuple[str, str] | None = None) -> Target:
    return Target(f"{ours}: at least {AT_LEAST} x {plain}", lambda f: f.ratio(ours, plain, "mb_per_s"), at_least=AT_LEAST,
                  limit=None if limit is None else lambda f: f.ratio(limit[0], limit[1], "mb_per_s"))


def wan_tls(context: Context):
    for link in links(context):
        names = {pace: OURS if pace == ", 60 fps" else f"{OURS}{pace}" for pace in PACES}
        contestants, targets = [], []
        for pace, options in PACES.items():
            plain = f"{OURS} without TLS{pace}"
            contestants += [link.stream(names[pace], *options, *KNOWN, sender=TLS), link.stream(plain, *options)]
            targets.append(of_plain(names[pace], plain))
        yield row("wan_tls", f"one TLS stream ({CIPHER}), 60 fps", link, contestants, targets)


def wan_download(context: Context):
    """Files are not synchronized to the disk, which is no part of the link. curl says what a program that only downloads has of it."""
    for link in links(context):
        contestants, targets = [], []
        curls = {"http": "curl", "https": "curl, HTTPS"}
        for pace, options in list(PACES.items())[:1] if context.smoke else [(p, o) for p, o in PACES.items() if p != ", 30 fps"]:
            plain = f"{OURS}, a plain stream{pace}"
            contestants.append(link.stream(plain, *options))
            for scheme, more, sender in (("http", [], []), ("https", KNOWN, TLS)):
                name = OURS if (scheme, pace) == ("http", ", 60 fps") else f"{OURS}{', HTTPS' if scheme == 'https' else ''}{pace}"
                contestants.append(link.download(name, scheme, *options, *more, sender=sender))
                targets.append(of_plain(name, plain, (curls[scheme], plain)))
        contestants += [link.curl(curls["http"], "http"), link.curl(curls["https"], "https", *KNOWN, sender=TLS)]
        yield row("wan_download", "a file over HTTP, 60 fps", link, sorted(contestants, key=lambda c: c.name != OURS), targets)


BENCHMARKS = {"wan_tls": wan_tls, "wan_download": wan_download}
