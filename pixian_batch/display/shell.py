"""Words of a command line that a person can copy into the shell of this system. Pure: strings only."""

from __future__ import annotations

import os
import shlex
import subprocess

from pixian_batch.display.text import name_bytes, visible


def shell_word(word: str) -> str:
    r"""`word` quoted for the user's shell; unvisible bytes as `$'\xff'`, so that it can be copied."""
    if os.name == "nt":
        return visible(subprocess.list2cmdline([word]))
    if visible(word) == word:
        return shlex.quote(word)
    inner = "".join(_shell_char(char) for char in word)
    return f"$'{inner}'"


def _shell_char(char: str) -> str:
    if char in "\\'":
        return "\\" + char
    if visible(char) == char:
        return char
    return "".join(f"\\x{byte:02x}" for byte in name_bytes(char))
