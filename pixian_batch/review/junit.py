"""What was checked as JUnit XML: a suite a profile, a test case a file and rule. Pure text.

A broken rule is a failure; what is only advised is told in the case's output, unless warnings count. A rule that cannot be
judged is skipped, an unreadable file an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from pixian_batch.display.junit import CaseEnd, JUnitCase, JUnitSuite, write_suites
from pixian_batch.review.compliance import Severity
from pixian_batch.review.facts import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pixian_batch.review.compliance import Checked, Judgement


class CheckSuite:
    """The suite of one profile. cases: where its test cases are kept meanwhile. strict: what is only advised counts."""

    def __init__(self, name: str, cases: BinaryIO, *, strict: bool) -> None:
        self.suite, self._strict = JUnitSuite(name, cases), strict

    def add(self, checked: Checked) -> None:
        """All rules of a file."""
        for case in self._cases(checked):
            self.suite.add(case)

    def _cases(self, checked: Checked) -> Iterator[JUnitCase]:
        path = checked.path
        if isinstance(checked.facts, UnreadableFile):
            message = f"{checked.facts.reason}: {checked.facts.hint}"
            yield JUnitCase(
                classname=path, name="readable", end=CaseEnd.ERROR, kind="unreadable", message=message
            )
        for judgement in checked.judgements:
            end, message = self._end(judgement)
            kind = judgement.severity.value
            yield JUnitCase(classname=path, name=judgement.rule, end=end, kind=kind, message=message)

    def _end(self, judgement: Judgement) -> tuple[CaseEnd, str]:
        text = f"{judgement.measured}; demanded: {judgement.demanded}"
        if judgement.advice:
            text += f"; {judgement.advice}"
        if judgement.keeps is None:
            return CaseEnd.SKIPPED, judgement.measured
        if judgement.keeps:
            return CaseEnd.PASSED, ""
        only_advised = judgement.severity is Severity.WARNING and not self._strict
        return (CaseEnd.PASSED if only_advised else CaseEnd.FAILED), text


def write_checks(suites: Iterable[CheckSuite], out: BinaryIO) -> None:
    """The whole document."""
    write_suites("pixian-batch check", [each.suite for each in suites], out)
