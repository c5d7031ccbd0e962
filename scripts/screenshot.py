"""Photograph a command of this project in a terminal, as an SVG for the README.

    python scripts/screenshot.py docs/run.svg --at 6 -- pixian-batch ./photos --out ./cut --local

Runs the command in a pseudo terminal of the given size, shows what a person would see on the screen after
`--at` seconds (default: when it ends), and writes that. Needs a POSIX system and `pip install pyte`, which
is no dependency of the project. The command is really run: use `--local` or `--test`, or it costs money.
"""

from __future__ import annotations

import argparse
import fcntl
import importlib
import io
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

_BLOCK = 65536
_PATIENCE = 10.0


def main() -> int:
    """Run the command, write the picture; the exit code is 0, or 2 without pyte."""
    options = _options()
    try:
        pyte: Any = importlib.import_module("pyte")
    except ImportError:
        print("this script needs a terminal emulator: pip install pyte", file=sys.stderr)
        return 2
    screen = pyte.Screen(options.columns, options.rows)
    photograph(options.command, pyte.ByteStream(screen), options)
    lines = screen_lines(screen)
    write_svg(options, lines)
    print(f"{options.picture}: {options.columns} x {len(lines)}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("picture", type=Path, help="the SVG file to write")
    parser.add_argument("--at", type=float, default=600.0, help="seconds after which the picture is taken")
    parser.add_argument("--columns", type=int, default=90)
    parser.add_argument("--rows", type=int, default=30)
    parser.add_argument("--title", default="pixian-batch")
    parser.add_argument("--shown", default="", help="the command line to show, if not the one that is run")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --: what to run")
    return parser.parse_args()


def photograph(command: list[str], stream: Any, options: argparse.Namespace) -> None:
    """Feed `stream` with what `command` writes, until it ends or the time has come; then stop it."""
    ours, theirs = pty.openpty()
    size = struct.pack("HHHH", options.rows, options.columns, 0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    stream.feed(f"$ {options.shown or shlex.join(command)}\r\n".encode())
    unwanted = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "CI"}
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    try:
        _feed(ours, stream, until=time.monotonic() + options.at)
    finally:
        _end(process, ours)
        os.close(ours)


def _feed(terminal: int, stream: Any, *, until: float) -> None:
    while (left := until - time.monotonic()) > 0:
        readable, _, _ = select.select([terminal], [], [], left)
        if readable:
            block = _read(terminal)
            if not block:
                return
            # The emulator knows no dim text; dark grey is what terminals show for it.
            stream.feed(block.replace(b"\x1b[2m", b"\x1b[90m"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, _BLOCK)
    except OSError:  # Linux: the other side is closed
        return b""


def _end(process: subprocess.Popen[bytes], terminal: int) -> None:
    """Interrupt the command, as Ctrl-C would, and read on until it has ended."""
    deadline = time.monotonic() + _PATIENCE
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    while process.poll() is None and time.monotonic() < deadline:
        readable, _, _ = select.select([terminal], [], [], 0.1)
        if readable and not _read(terminal):
            break
    try:
        process.wait(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def screen_lines(screen: Any) -> list[Text]:
    """The screen's rows with their colours, without the empty ones at the end."""
    rows = [_row(screen.buffer[y], screen.columns) for y in range(screen.lines)]
    while rows and not rows[-1].plain.strip():
        rows.pop()
    return rows


def _row(cells: Any, columns: int) -> Text:
    line = Text()
    for x in range(columns):
        cell = cells[x]
        line.append(cell.data, _style(cell))
    line.rstrip()
    return line


def _style(cell: Any) -> str:
    color = {"default": "", "brown": "yellow"}.get(cell.fg, cell.fg)
    if re.fullmatch("[0-9a-f]{6}", color):
        color = "#" + color
    bright = re.fullmatch("bright(.+)", color)
    return " ".join(filter(None, ["bold" if cell.bold else "", f"bright_{bright[1]}" if bright else color]))


def write_svg(options: argparse.Namespace, lines: list[Text]) -> None:
    """Write the picture; without web fonts, which a README may not load."""
    console = Console(record=True, width=options.columns, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(line, no_wrap=True, highlight=False)
    svg = console.export_svg(title=options.title)
    svg = re.sub(r"@font-face\s*\{.*?\}", "", svg, flags=re.DOTALL).replace(
        "Fira Code, monospace", "monospace"
    )
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    options.picture.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
