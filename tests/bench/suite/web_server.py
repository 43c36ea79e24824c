# SPDX-License-Identifier: MIT
"""nginx on free ports, with a configuration of its own: the web server of downloads."""

import contextlib
import ctypes
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from typing import Iterator, Optional

CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  sendfile on;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  root {folder}/files;
  server {{ listen 127.0.0.1:{web}; }}
{more}}}
"""

# The same cipher in both versions of TLS, since some of the peers know only 1.2.
SECURE = """
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;
  ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;
  server {{ listen 127.0.0.1:{web_tls} ssl; }}
  server {{ listen 127.0.0.1:{web_h2} ssl http2; }}
"""


def nginx() -> Optional[str]:
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def save_from_sender(port: int, path: str) -> str:
    """What the sender on this port sends, as a file; its SHA-256."""
    digest = hashlib.sha256()
    with socket.create_connection(("127.0.0.1", port)) as stream, open(path, "wb") as file:
        while chunk := stream.recv(1 << 20):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def end_with_parent() -> None:
    """The other helpers end when their standard input does."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def wait_for(port: int, process: subprocess.Popen, folder: str) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    with open(f"{folder}/error.log", encoding="utf-8") as log:
        raise RuntimeError(f"nginx did not start: {log.read()[-500:]}")


@contextlib.contextmanager
def serving(senders: dict[str, int], certificate: Optional[dict] = None) -> Iterator[dict]:
    """Serves as /NAME what the sender on the port senders[NAME] sends.

    Yields "web" (host and port), "scratch" (a folder) and, for each name, "sha256_NAME"; with a certificate (see certificate.py) also
    "web_tls", which speaks HTTP/1.1, and "web_h2"."""
    with tempfile.TemporaryDirectory(prefix="framepump-bench-") as folder:
        os.mkdir(f"{folder}/files")
        names = {f"sha256_{name}": save_from_sender(port, f"{folder}/files/{name}") for name, port in senders.items()}
        ports = {name: free_port() for name in ("web", "web_tls", "web_h2")}
        more = SECURE.format(**certificate, **ports) if certificate else ""
        with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(folder=folder, more=more, **ports))
        process = subprocess.Popen(["nice", "-n", "19", nginx(), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"],
                                   preexec_fn=end_with_parent)
        try:
            wait_for(ports["web"], process, folder)
            yield {**names, **{name: f"127.0.0.1:{port}" for name, port in ports.items()}, "scratch": folder}
        finally:
            process.terminate()
            process.wait()
