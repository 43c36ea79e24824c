# SPDX-License-Identifier: MIT
"""A download with the program curl, by its own clock. usage: download_curl.py --url URL --path FILE --bytes N --sha256 HEX"""

import argparse
import hashlib
import json
import os
import subprocess
import sys


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("url", "path", "sha256"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--bytes", type=int, required=True)
    options = parser.parse_args()
    command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--output", options.path, "--write-out", "%{time_total}", options.url]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    with open(options.path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = os.path.getsize(options.path)
    os.remove(options.path)
    print(json.dumps({"bytes": size, "seconds": float(done.stdout), "verified": digest == options.sha256 and size == options.bytes}))


main()
