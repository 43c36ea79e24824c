# SPDX-License-Identifier: MIT
"""Bulk, with Python's asyncore: `poll(0)` once per frame."""

import warnings

warnings.simplefilter("ignore", DeprecationWarning)  # it leaves Python with 3.12; games that use it are still there

import asyncore
import socket

from frames import FrameBytes, FrameLoop, parse_options, print_report

READ_BYTES = 65536  # as asynchat, its own protocol class; the examples of its documentation read 8192


class Reader(asyncore.dispatcher):
    def __init__(self, host: str, port: int, frame: FrameBytes):
        super().__init__()
        self.frame = frame
        self.is_open = True
        self.create_socket(socket.AF_INET, socket.SOCK_STREAM)
        self.connect((host, port))

    def writable(self) -> bool:
        return not self.connected

    def handle_read(self) -> None:
        chunk = self.recv(READ_BYTES)
        if chunk:
            self.frame.kept.append(chunk)

    def handle_close(self) -> None:
        self.is_open = False
        self.close()


def main() -> None:
    options = parse_options(__doc__)
    frames, frame = FrameLoop(options.fps), FrameBytes()
    reader = Reader(options.host, options.port, frame)
    while reader.is_open:
        frames.wait_for_frame()
        frames.timed(lambda: asyncore.poll(0))
        frame.consume()
    print_report(frames, options, frame)


main()
