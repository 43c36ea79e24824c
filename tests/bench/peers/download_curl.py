# SPDX-License-Identifier: MIT
"""A download with the program curl, by its own clock. Benchmarks over links tell host and port instead of a URL, and the hash of the sender.

usage: download_curl.py (--url URL | --scheme SCHEME --host ADDRESS --port PORT) --path FILE --bytes N (--sha256 HEX | --hash HEX)
                        [--ca-file FILE] [--http2]"""

import argparse
import hashlib
import json
import os
import subprocess
import sys


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("url", "host", "sha256", "hash", "ca-file"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--scheme", default="http")
    parser.add_argument("--port", type=int)
    parser.add_argument("--path", required=True)
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--http2", action="store_true")
    options = parser.parse_args()
    options.url = options.url or f"{options.scheme}://{options.host}:{options.port}/file"
    return options


def is_right(options: argparse.Namespace) -> bool:
    with open(options.path, "rb") as file:
        if options.sha256:
            return hashlib.file_digest(file, "sha256").hexdigest() == options.sha256
        import xxhash
        digest = xxhash.xxh3_64()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        return digest.hexdigest() == options.hash


def main() -> None:
    options = parse()
    command = ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--http2" if options.http2 else "--http1.1", "--output",
               options.path, "--write-out", "%{time_total} %{http_version}"]
    if options.ca_file:
        command += ["--cacert", options.ca_file]
    done = subprocess.run([*command, options.url], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    seconds, version = done.stdout.split()
    size = os.path.getsize(options.path)
    verified = size == options.bytes and is_right(options) and version == ("2" if options.http2 else "1.1")
    os.remove(options.path)
    print(json.dumps({"bytes": size, "seconds": float(seconds), "verified": verified}))


main()
