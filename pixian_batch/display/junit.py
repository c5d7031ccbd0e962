r"""JUnit XML as CI servers read it: suites of test cases, whatever a file is called. Pure text.

What XML 1.0 cannot hold is shown as `\x1b`. Cases are kept in a file meanwhile, since their counts come before them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr

from pixian_batch.display.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLOCK: Final = 1 << 20


class CaseEnd(Enum):
    """How a case ended; the values are the names of a suite's counts."""

    PASSED = "passed"
    FAILED = "failures"
    ERROR = "errors"
    SKIPPED = "skipped"


_COUNTED: Final = (CaseEnd.FAILED, CaseEnd.ERROR, CaseEnd.SKIPPED)
_TAGS: Final = {CaseEnd.FAILED: "failure", CaseEnd.ERROR: "error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JUnitCase:
    """kind, message: why it has not passed; of one that has, message is its output. file: of the repository."""

    classname: str
    name: str
    end: CaseEnd
    kind: str = ""
    message: str = ""
    seconds: float | None = None
    file: str = ""


class JUnitSuite:
    """cases: an empty file for the suite alone, in which its cases are kept meanwhile."""

    def __init__(self, name: str, cases: BinaryIO) -> None:
        self.name, self._cases = name, cases
        self.counts: Counter[CaseEnd] = Counter()

    def add(self, case: JUnitCase) -> None:
        """One more."""
        self._cases.write(_text(case).encode("utf-8", "xmlcharrefreplace"))
        self.counts[case.end] += 1

    def write(self, out: BinaryIO) -> None:
        """The suite."""
        out.write(f"  <testsuite name={_quoted(self.name)}{_totals(self.counts)}>\n".encode())
        self._cases.seek(0)
        while block := self._cases.read(_BLOCK):
            out.write(block)
        out.write(b"  </testsuite>\n")


def write_suites(name: str, suites: Sequence[JUnitSuite], out: BinaryIO) -> None:
    """The whole document."""
    total: Counter[CaseEnd] = sum((suite.counts for suite in suites), Counter())
    out.write(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name={_quoted(name)}{_totals(total)}>\n'.encode()
    )
    for suite in suites:
        suite.write(out)
    out.write(b"</testsuites>\n")


def _totals(counts: Counter[CaseEnd]) -> str:
    kinds = "".join(f' {end.value}="{counts[end]}"' for end in _COUNTED)
    return f' tests="{counts.total()}"{kinds}'


def _text(case: JUnitCase) -> str:
    head = f"    <testcase classname={_quoted(case.classname)} name={_quoted(case.name)}"
    if case.file:
        head += f" file={_quoted(case.file)}"
    if case.seconds is not None:
        head += f' time="{case.seconds:.3f}"'
    body = _body(case)
    return f"{head}>{body}</testcase>\n" if body else f"{head}/>\n"


def _body(case: JUnitCase) -> str:
    text = escape(visible(case.message))
    match case.end:
        case CaseEnd.PASSED:
            return f"<system-out>{text}</system-out>" if text else ""
        case CaseEnd.SKIPPED:
            return f"<skipped message={_quoted(case.message)}/>"
        case _:
            tag = _TAGS[case.end]
            return f"<{tag} type={_quoted(case.kind)} message={_quoted(case.message)}>{text}</{tag}>"


def _quoted(text: str) -> str:
    return quoteattr(visible(text))
