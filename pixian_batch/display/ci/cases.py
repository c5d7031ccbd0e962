"""How a run's images ended as test cases: one an image. Done ones pass, failures fail, what needs a decision is an error."""

from __future__ import annotations

import posixpath
from typing import Final, assert_never

from pixian_batch.display.junit import CaseEnd, JUnitCase
from pixian_batch.display.text import problem_text
from pixian_batch.policy.outcome import (
    Done,
    Duplicate,
    Ending,
    Failed,
    InDoubt,
    Kept,
    Lost,
    NotStarted,
    Skipped,
    SkipReason,
)

_NO_WORK: Final = frozenset({SkipReason.DONE, SkipReason.TRUSTED})
_End = tuple[CaseEnd, str, str]


def case_of(ending: Ending) -> JUnitCase:
    """The test case of one image."""
    end, kind, message = _end(ending)
    name = ending.input.replace("\\", "/")
    return JUnitCase(
        classname=posixpath.dirname(name) or ".",
        name=ending.input,
        end=end,
        kind=kind,
        message=message,
        seconds=ending.seconds,
        file="" if "://" in name else name,
    )


def _end(ending: Ending) -> _End:
    match ending.outcome:
        case Done(look=look) if look is not None and look.suspicion is not None:
            return CaseEnd.PASSED, "", f"look at the result: it is {look.text}"
        case Done():
            return CaseEnd.PASSED, "", ""
        case Duplicate(of=other):
            return CaseEnd.PASSED, "", f"made from the result of {other}"
        case Skipped(reason=reason):
            return CaseEnd.PASSED if reason in _NO_WORK else CaseEnd.SKIPPED, "", _skipped(reason)
        case Failed(problem=problem):
            return CaseEnd.FAILED, f"failed {problem.code or ''}".strip(), problem_text(problem)
        case InDoubt(problem=problem):
            return CaseEnd.ERROR, "in doubt", problem_text(problem)
        case Lost(problem=problem):
            return CaseEnd.ERROR, "lost", problem_text(problem)
        case Kept(problem=problem):
            return CaseEnd.ERROR, "kept", problem_text(problem)
        case NotStarted():
            return CaseEnd.SKIPPED, "", "the run ended before its turn: it is new in the next run"
        case other:
            assert_never(other)


def _skipped(reason: SkipReason) -> str:
    match reason:
        case SkipReason.DONE:
            return "done in an earlier run"
        case SkipReason.TRUSTED:
            return "done by the ledger's word, its file gone"
        case SkipReason.EXISTS:
            return "a file that this tool did not make stands at its place: --overwrite replaces it"
        case SkipReason.BOUGHT:
            return "a bought result stands at its place, which a free one never takes"
        case SkipReason.RESULT:
            return "it is a result itself"
        case SkipReason.COLLISION:
            return "another photo's result has its place"
        case other:
            assert_never(other)
