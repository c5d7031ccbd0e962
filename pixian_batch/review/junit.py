r"""What was checked as JUnit XML, as CI servers read it: a suite a profile, a test case a file and rule. Pure text.

A broken rule is a failure; what is only advised is told in the case's output, unless warnings count. A rule that cannot be
judged is skipped, an unreadable file an error. Names are escaped, and what XML 1.0 cannot hold is shown as `\\x1b`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, BinaryIO
from xml.sax.saxutils import escape, quoteattr

from pixian_batch.display.text import visible
from pixian_batch.review.compliance import Severity
from pixian_batch.review.facts import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pixian_batch.review.compliance import Checked, Judgement

_BLOCK = 1 << 20
_KINDS = ("tests", "failures", "errors", "skipped")


class JUnitSuite:
    """The suite of one profile. cases: where its test cases are kept meanwhile: their counts come before them."""

    def __init__(self, name: str, cases: BinaryIO, *, strict: bool) -> None:
        self.name, self._cases, self._strict = name, cases, strict
        self.counts: Counter[str] = Counter()

    def add(self, checked: Checked) -> None:
        """All rules of a file."""
        for text, kind in self._texts(checked):
            self._cases.write(text.encode("utf-8", "xmlcharrefreplace"))
            self.counts["tests"] += 1
            self.counts[kind] += 1

    def write(self, out: BinaryIO) -> None:
        """The suite."""
        counts = "".join(f' {kind}="{self.counts[kind]}"' for kind in _KINDS)
        out.write(f"  <testsuite name={_quoted(self.name)}{counts}>\n".encode())
        self._cases.seek(0)
        while block := self._cases.read(_BLOCK):
            out.write(block)
        out.write(b"  </testsuite>\n")

    def _texts(self, checked: Checked) -> Iterator[tuple[str, str]]:
        if isinstance(checked.facts, UnreadableFile):
            body = _element("error", "unreadable", f"{checked.facts.reason}: {checked.facts.hint}")
            yield _case(checked.path, "readable", body), "errors"
        for judgement in checked.judgements:
            body, kind = self._body(judgement)
            yield _case(checked.path, judgement.rule, body), kind

    def _body(self, judgement: Judgement) -> tuple[str, str]:
        text = f"{judgement.measured}; demanded: {judgement.demanded}"
        if judgement.advice:
            text += f"; {judgement.advice}"
        if judgement.keeps is None:
            return f"<skipped message={_quoted(judgement.measured)}/>", "skipped"
        if judgement.keeps:
            return "", "passed"
        if judgement.severity is Severity.WARNING and not self._strict:
            return f"<system-out>{escape(visible(text))}</system-out>", "passed"
        return _element("failure", judgement.severity.value, text), "failures"


def write_suites(suites: Mapping[str, JUnitSuite], out: BinaryIO) -> None:
    """The whole document."""
    total: Counter[str] = sum((suite.counts for suite in suites.values()), Counter())
    counts = "".join(f' {kind}="{total[kind]}"' for kind in _KINDS)
    out.write(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="pixian-batch check"{counts}>\n'.encode()
    )
    for suite in suites.values():
        suite.write(out)
    out.write(b"</testsuites>\n")


def _case(path: str, rule: str, body: str) -> str:
    head = f"    <testcase classname={_quoted(path)} name={_quoted(rule)}"
    return f"{head}>{body}</testcase>\n" if body else f"{head}/>\n"


def _element(name: str, kind: str, text: str) -> str:
    return f"<{name} type={_quoted(kind)} message={_quoted(text)}>{escape(visible(text))}</{name}>"


def _quoted(text: str) -> str:
    return quoteattr(visible(text))
