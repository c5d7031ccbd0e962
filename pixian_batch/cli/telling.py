"""How every command says what went wrong: `error: ` and the problem, then the next step. The one place of this shape.

Loads neither the parser nor a display.
"""

from __future__ import annotations

import sys
from typing import Final

from pixian_batch.display.text import printable

BEGINNING: Final = "error: "
"""How each begins; one shape for people who look, and for programs that search."""


def tell_error(message: str, hint: str = "") -> None:
    """Write the problem, and below it what to do next, a line each."""
    steps = "".join(f"  {printable(line)}\n" for line in hint.splitlines())
    sys.stderr.write(f"{BEGINNING}{printable(message)}\n{steps}")
