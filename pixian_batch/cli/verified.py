"""What `verify` says: a line a file that is not as locked, grouped counts at the end; or records. Judges nothing."""

from __future__ import annotations

import json as json_
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.cli.shared import say
from pixian_batch.cli.telling import tell_error
from pixian_batch.display.records import named
from pixian_batch.display.text import images, printable, with_hint
from pixian_batch.policy.lockfile import FindingKind
from pixian_batch.policy.stopping import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pixian_batch.policy.lockfile import LockFinding, LockLine

_SHOWN: Final = 20
"""Files of one kind that are named to a person who did not ask for all."""
_WORDS: Final = {
    FindingKind.INPUT_CHANGED: "photos changed",
    FindingKind.INPUT_MISSING: "photos missing",
    FindingKind.OUTPUT_ALTERED: "results altered",
    FindingKind.OUTPUT_MISSING: "results missing",
    FindingKind.POINTER: "pointers of Git LFS",
    FindingKind.UNREADABLE: "cannot be read",
    FindingKind.LOCKED_TWICE: "locked twice",
    FindingKind.NOT_LOCKED: "photos without a line",
}


class VerifyScreen:
    """Counts, and tells people or programs. all_: every file is named, however many there are."""

    def __init__(self, lines: Sequence[LockLine], lock: str, *, json: bool, quiet: bool, all_: bool) -> None:
        self._lines, self._lock = lines, lock
        self._json, self._quiet, self._all = json, quiet, all_
        self._counts: Counter[FindingKind] = Counter()

    def told(self, finding: LockFinding) -> None:
        """One file is not as locked."""
        self._counts[finding.kind] += 1
        if self._json:
            say([json_.dumps(finding_record(finding))])
        elif not self._quiet and (self._all or self._counts[finding.kind] <= _SHOWN):
            say([with_hint(f"{printable(finding.file)}: {finding.message}", finding.hint)])

    def finished(self, interrupted: int) -> int:
        """The end; interrupted: a signal's exit code, or 0. Gives the exit code."""
        code = interrupted or (Exit.NOT_COMPLYING if self._counts else Exit.OK)
        if self._json:
            say([json_.dumps(self._record(code))])
        elif interrupted:
            tell_error("stopped: not everything was looked at", "run it again")
        elif not self._quiet:
            say([*self._left_unnamed(), self._gist()])
        return code

    def _gist(self) -> str:
        if self._counts:
            found = ", ".join(f"{_WORDS[kind]}: {number:,}" for kind, number in self._counts.items())
            return f"not as locked ({images(len(self._lines))}): {found}"
        free = sum(line.is_free for line in self._lines)
        aside = f", {free:,} of them free ones (--local, --test)" if free else ""
        return f"as locked: {images(len(self._lines))}{aside}"

    def _left_unnamed(self) -> list[str]:
        if self._all:
            return []
        more = {kind: number - _SHOWN for kind, number in self._counts.items() if number > _SHOWN}
        return [f"... {_WORDS[kind]}: {number:,} more (--verbose names all)" for kind, number in more.items()]

    def _record(self, code: int) -> dict[str, Any]:
        return {
            "v": 1,
            "type": "verify_summary",
            **named("lock", self._lock),
            "whole": code in {Exit.OK, Exit.NOT_COMPLYING},
            "images": len(self._lines),
            "free": sum(line.is_free for line in self._lines),
            "findings": {kind.value: self._counts[kind] for kind in FindingKind},
            "exit_code": int(code),
        }


def finding_record(finding: LockFinding) -> dict[str, Any]:
    """As `--json` writes it."""
    return {
        "v": 1,
        "type": "verify",
        "kind": finding.kind.value,
        **named("file", finding.file),
        "message": finding.message,
        "hint": finding.hint,
    }
