"""Where the one-folder program begins: what a frozen Python needs before the command, then the command.

Only for PyInstaller (`pixian-batch.spec`); an ordinary installation begins in `pixian_batch.__main__`.
"""

from __future__ import annotations

import io
import locale
import multiprocessing
import os
import sys

from pixian_batch.__main__ import main

_ASCII = "ANSI_X3.4-1968"
"""What a system without any locale says of itself: its terminals take UTF-8 all the same."""


def _speak_the_locale() -> None:
    """File names are UTF-8 everywhere (the specification asks for that mode); a terminal is of its locale."""
    encoding = locale.getencoding()
    if os.name == "nt" or encoding in {"utf-8", "UTF-8", _ASCII}:
        return
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=encoding)


if __name__ == "__main__":
    # A process of `render` is this same program, started again: it does its work here and never comes back.
    multiprocessing.freeze_support()
    _speak_the_locale()
    main()
