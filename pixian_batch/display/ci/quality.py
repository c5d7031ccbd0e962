"""What somebody should know of a run's images as GitLab's code quality report, which a merge request shows at the files.

Format: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format. Pure.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from pixian_batch.display.ci.annotating import reason
from pixian_batch.display.ci.concerns import ConcernKind
from pixian_batch.display.text import name_bytes, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pixian_batch.display.ci.concerns import Cause, Concern

_SEVERITIES: Final = {
    ConcernKind.IN_DOUBT: "critical",
    ConcernKind.LOST: "critical",
    ConcernKind.KEPT: "major",
    ConcernKind.FAILED: "major",
    ConcernKind.SUSPECT: "minor",
}


def quality_report(causes: Sequence[Cause], place: Callable[[str], str | None]) -> bytes:
    """The whole file. place: a photo's path in the repository; None for what is not in it, which is left out."""
    found = [
        _issue(cause, concern, path)
        for cause in causes
        for concern in cause.examples
        if (path := place(concern.input)) is not None
    ]
    return (json.dumps(found, indent=2) + "\n").encode()


def _issue(cause: Cause, concern: Concern, path: str) -> dict[str, Any]:
    identity = b"\0".join([cause.kind.name.encode(), name_bytes(cause.key), name_bytes(path)])
    return {
        "description": f"{cause.kind.word}: {reason(concern)}",
        "check_name": f"pixian-batch/{cause.kind.name.lower()}",
        "fingerprint": hashlib.sha256(identity).hexdigest(),
        "severity": _SEVERITIES[cause.kind],
        "location": {"path": visible(path), "lines": {"begin": 1}},
    }
