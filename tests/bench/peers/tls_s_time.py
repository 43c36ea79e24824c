# SPDX-License-Identifier: MIT
"""TLS with `openssl s_time`, which reads whatever a server sends, one connection after the other for some seconds, and looks at nothing but
its size. Each connection has a full handshake. The clock is that of its whole run. usage: tls_s_time.py --port PORT --bytes N --ca-file FILE"""

import argparse
import json
import re
import resource
import subprocess
import sys
import time


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("port", "bytes"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--ca-file", required=True)
    options = parser.parse_args()
    command = ["openssl", "s_time", "-connect", f"127.0.0.1:{options.port}", "-new", "-www", "/", "-time", "1", "-CAfile", options.ca_file,
               "-verify", "1"]
    start_s = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.monotonic() - start_s
    said = re.search(r"(\d+) connections in \d+ real seconds, (\d+) bytes read per connection", done.stdout)
    if done.returncode != 0 or said is None:
        sys.exit(f"openssl s_time: {done.stderr.strip()[-300:] or done.stdout.strip()[-300:]}")
    count, each = int(said[1]), int(said[2])
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = (usage.ru_utime + usage.ru_stime) / max(count, 1)
    print(json.dumps({"bytes": count * each, "seconds": seconds, "connections_per_s": count / seconds, "reader_cpu_seconds": cpu_s,
                      "cpu_us_each": cpu_s * 1e6, "verified": count > 0 and each == options.bytes}))


main()
