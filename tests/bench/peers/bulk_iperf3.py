# SPDX-License-Identifier: MIT
"""Bulk, with iperf3: what a thread of its own that looks at no byte gets out of the machine. It brings its own sender."""

import argparse
import json
import subprocess
import tempfile
import time

from suite.web_server import free_port

# Its reader stops when its sender says so, and what is in the kernel then it neither reads nor counts: its rate is of what it read.
LEAST_PART = 0.5
MOST_UNREAD = 6 * 1024 * 1024  # tcp_rmem[2]: of a small transfer that may be all
HOST = "127.0.0.1"


def wait_for_listener(port: int) -> None:
    """Asks the kernel, since a connect would already count as the one client."""
    local = f":{port:04X} 00000000:0000 0A"  # 0A: it listens
    for _ in range(500):
        with open("/proc/net/tcp", encoding="ascii") as sockets:
            if local in sockets.read():
                return
        time.sleep(0.01)
    raise SystemExit(f"iperf3 does not listen on port {port}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bytes", type=int, required=True)
    wanted = options.parse_args().bytes
    port = str(free_port())
    with tempfile.TemporaryFile("w+") as report:
        reader = subprocess.Popen(["iperf3", "--server", "--one-off", "--bind", HOST, "--port", port, "--json"], stdout=report)
        try:
            wait_for_listener(int(port))
            sender = ["nice", "-n", "19", "iperf3", "--client", HOST, "--port", port, "--bytes", str(wanted)]
            subprocess.run(sender, stdout=subprocess.DEVNULL, check=True, timeout=60)
            reader.wait(timeout=10)
        finally:
            reader.kill()
            reader.wait()
        report.seek(0)
        received = json.load(report)["end"]["sum_received"]
    verified = received["bytes"] >= min(LEAST_PART * wanted, max(1, wanted - MOST_UNREAD))
    print(json.dumps({"bytes": received["bytes"], "seconds": received["seconds"], "verified": verified}))


main()
