# SPDX-License-Identifier: MIT
"""Bulk, with Twisted: `reactor.iterate(0)` once per frame, its call for a program that has a loop of its own."""

from twisted.internet import protocol, reactor

from frames import FrameBytes, FrameLoop, parse_options, print_report


class Reader(protocol.Protocol):
    def __init__(self, frame: FrameBytes):
        self.frame = frame
        self.is_open = True

    def dataReceived(self, data: bytes) -> None:
        self.frame.kept.append(data)

    def connectionLost(self, reason=protocol.connectionDone) -> None:
        self.is_open = False


class Once(protocol.ClientFactory):
    def __init__(self, reader: Reader):
        self.reader = reader

    def buildProtocol(self, address) -> Reader:
        return self.reader

    def clientConnectionFailed(self, connector, reason) -> None:
        self.reader.is_open = False


def main() -> None:
    options = parse_options(__doc__)
    frames, frame = FrameLoop(options.fps), FrameBytes()
    reader = Reader(frame)
    reactor.connectTCP(options.host, options.port, Once(reader))
    reactor.startRunning(installSignalHandlers=False)
    while reader.is_open:
        frames.wait_for_frame()
        frames.timed(lambda: reactor.iterate(0))
        frame.consume()
    print_report(frames, options, frame)


main()
