# SPDX-License-Identifier: MIT
"""Holds what LÖVE's demo reports against what must be so, and its picture against its report.

usage: check_demo.py report REPORT [--mode MODE] [--players NAME...] [--megabytes N] [--switches N] [--status FILE]
       check_demo.py picture REPORT PNG
"""
import argparse
import json
import pathlib
import re
import struct
import zlib

GROUND = (14, 18, 28)
COLORS = ((87, 181, 232), (230, 158, 0), (240, 227, 140), (255, 255, 255))  # by a light's kind; demo/client/scene.cpp
CLIENT_LIGHT = 3


def verdict(name, is_right, why=""):
    print(f"ok love demo: {name}" if is_right else f"FAIL love demo: {name}: {why}")


def drifters_of_server():
    """How many lights drift, by the server's own source."""
    return int(re.search(r"kLights = (\d+);", pathlib.Path("demo/server/swarm.h").read_text()).group(1))


def check_report(arguments):
    report = json.loads(pathlib.Path(arguments.report).read_text())
    label = pathlib.Path(arguments.report).stem
    swarm, download = report["swarm"], report["download"]

    def check(name, value, is_right):
        verdict(f"{label}: {name}", is_right, f"it is {value}")

    if arguments.mode:
        check(f"the mode is {arguments.mode}", report["mode"], report["mode"] == arguments.mode)
    lights = drifters_of_server()
    check("every drifting light of the server's is there", swarm["drifters"], swarm["drifters"] == lights)
    check("the players are there, by light and by name", swarm["names"],
          swarm["names"] == sorted(arguments.players) and swarm["players"] == len(arguments.players))
    check("every light is in the picture", swarm["in_picture"], swarm["in_picture"] == lights + swarm["players"])
    check("no message was strange, no connection lost", swarm, swarm["refused"] == 0 and swarm["drops"] == 0)
    check("snapshots come, 30 a second at most", swarm["per_s"], 8 <= swarm["per_s"] <= 36 and swarm["snapshots"] >= 30)
    check("the swarm moves", swarm["mean_way"], 0.001 < swarm["mean_way"] < 1)
    check("the own light goes where it is steered", swarm["own_off_course"], 0 <= swarm["own_off_course"] < 0.3)
    check("the update came, and every byte is right", download,
          download["verified"] and download["bytes"] == arguments.megabytes * 1_000_000)
    if arguments.switches:
        check(f"the mode switched {arguments.switches} times or more", report["mode_switches"],
              report["mode_switches"] >= arguments.switches)
    if arguments.status:
        said = re.findall(r"^clients (\d+) ", pathlib.Path(arguments.status).read_text(), re.MULTILINE)
        check("the server counts as many players", said[-3:], str(swarm["players"]) in said[-3:])


# ---- Pictures ----

def paeth(left, up, corner):
    guess = left + up - corner
    distances = abs(guess - left), abs(guess - up), abs(guess - corner)
    return (left, up, corner)[distances.index(min(distances))]


def read_png(path):
    """Width, height and rows of pixels of an 8-bit PNG in RGB or RGBA."""
    data = pathlib.Path(path).read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG")
    packed, at = b"", 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
        at += size + 12
    if depth != 8 or color not in (2, 6):
        raise ValueError(f"depth {depth} and color type {color}, not 8 and 2 or 6")
    step = 3 if color == 2 else 4
    raw, stride, rows, above = zlib.decompress(packed), width * step, [], bytes(width * step)
    for y in range(height):
        begin = y * (stride + 1)
        row, how = bytearray(raw[begin + 1:begin + 1 + stride]), raw[begin]
        for n in range(stride if how else 0):
            left, corner = (row[n - step], above[n - step]) if n >= step else (0, 0)
            row[n] = (row[n] + (left, above[n], (left + above[n]) // 2, paeth(left, above[n], corner))[how - 1]) & 255
        rows.append([tuple(row[n:n + 3]) for n in range(0, stride, step)])
        above = row
    return width, height, rows


def is_covered(x, y, width, height):
    """Behind the panel, the chat or the line of keys, with a margin."""
    return (x < 460 and y < 350) or (x > width - 330 and y < 150) or y > height - 50


def has_color(pixel, color):
    """On the way from the ground to this color, and far from the ground."""
    shares = [(p - g) / (c - g) for p, g, c in zip(pixel, GROUND, color) if abs(c - g) > 40]
    share = sum(shares) / len(shares)
    wanted = [g + (c - g) * share for g, c in zip(GROUND, color)]
    return share > 0.3 and all(abs(p - w) < 40 for p, w in zip(pixel, wanted))


def check_picture(arguments):
    report = json.loads(pathlib.Path(arguments.report).read_text())
    width, height, rows = read_png(arguments.png)
    verdict("picture: it is as large as the window", (width, height) == (1280, 720), f"it is {width} x {height}")

    seen, right, clients = 0, 0, 0
    for kind, x, y in report["drawn"]:
        x, y = min(int(x * width), width - 1), min(int(y * height), height - 1)
        if is_covered(x, y, width, height):
            continue
        seen += 1
        right += has_color(rows[y][x], COLORS[kind])
        clients += kind == CLIENT_LIGHT and has_color(rows[y][x], COLORS[kind])
    verdict("picture: most lights are there to be seen", seen >= drifters_of_server() / 2, f"{seen} are not covered")
    # Where lights lie over each other the color is that of the upper one.
    verdict("picture: lights have their colors where the swarm has them", right >= 0.85 * seen, f"{right} of {seen}")
    verdict("picture: the players' lights are there", clients >= 1, f"{clients} of {report['swarm']['players']}")

    dark = sum(row.count(GROUND) for row in rows) / (width * height)
    verdict("picture: the rest is dark ground", 0.5 < dark < 0.95, f"{dark:.2f} of it")
    panel = [rows[y][x] for y in range(20, 330) for x in range(20, 436)]
    words = sum(min(p) > 200 for p in panel)
    verdict("picture: the panel has words", words > 500, f"{words} bright pixels")


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("report")
    command.add_argument("report")
    command.add_argument("--mode")
    command.add_argument("--players", nargs="+")
    command.add_argument("--megabytes", type=int)
    command.add_argument("--switches", type=int)
    command.add_argument("--status")
    command.set_defaults(run=check_report)
    command = commands.add_parser("picture")
    command.add_argument("report")
    command.add_argument("png")
    command.set_defaults(run=check_picture)
    arguments = parser.parse_args()
    arguments.run(arguments)


main()
