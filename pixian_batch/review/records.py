"""What was checked, as JSON records: one a file and profile, one a profile at last. Pure dictionaries of plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pixian_batch.display.records import named
from pixian_batch.display.schema_parts import VERSION
from pixian_batch.review.compliance import Compliance
from pixian_batch.review.facts import ImageFacts, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pixian_batch.review.compliance import Checked, Judgement
    from pixian_batch.review.counts import CheckCounts

Record = dict[str, Any]


def checked_record(checked: Checked, *, strict: bool) -> Record:
    """One file by one profile."""
    facts = checked.facts
    unreadable = facts if isinstance(facts, UnreadableFile) else None
    return {
        "v": VERSION,
        "type": "check",
        **named("file", checked.path),
        "profile": checked.profile,
        "status": checked.status.value,
        "complies": checked.complies(strict=strict),
        "error": unreadable and {"message": unreadable.reason, "hint": unreadable.hint},
        "image": _image(facts) if isinstance(facts, ImageFacts) else None,
        "broken": [_judgement(item) for item in checked.broken()],
        "not_judged": [item.rule for item in checked.judgements if item.keeps is None],
    }


def _image(facts: ImageFacts) -> Record:
    return {
        "format": facts.format,
        "width": facts.size.width,
        "height": facts.size.height,
        "bytes": facts.bytes,
        "colors": facts.colors.value,
        "color_profile": facts.color_name or None,
        "pictures": facts.pictures,
        "transparent": round(facts.transparent, 6),
    }


def _judgement(judgement: Judgement) -> Record:
    at = judgement.at
    return {
        "rule": judgement.rule,
        "severity": judgement.severity.value,
        "measured": judgement.measured,
        "value": judgement.value,
        "demanded": judgement.demanded,
        "advice": judgement.advice,
        "at": None if at is None else {"x": at[0], "y": at[1]},
    }


def summary_record(counts: Mapping[str, CheckCounts], *, strict: bool, whole: bool, exit_code: int) -> Record:
    """All of it. whole: every file was checked."""
    return {
        "v": VERSION,
        "type": "check_summary",
        "whole": whole,
        "strict": strict,
        "profiles": [_profile(name, counted, strict=strict) for name, counted in counts.items()],
        "exit_code": exit_code,
    }


def _profile(name: str, counts: CheckCounts, *, strict: bool) -> Record:
    return {
        "profile": name,
        "files": counts.files,
        **{status.value: counts.statuses[status] for status in Compliance},
        "failing": counts.failing(strict=strict),
        "rules": [
            {
                "rule": rule,
                "severity": severity.value,
                "demanded": counts.demanded[severity, rule],
                "broken": broken,
            }
            for (severity, rule), broken in counts.rules.items()
        ],
    }
