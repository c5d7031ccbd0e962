"""The published JSON Schema of the records that `verify --json` writes. Data only."""

from __future__ import annotations

from typing import Final

from pixian_batch.display.schema_parts import BASE64, COUNT, TEXT, VERSION, Schema, object_of
from pixian_batch.policy.lockfile import FindingKind

VERIFY: Final[Schema] = {
    "title": "One file that is not as locked",
    **object_of(
        {
            "v": {"const": VERSION},
            "type": {"const": "verify"},
            "kind": {"enum": [kind.value for kind in FindingKind]},
            "file": TEXT,
            "message": TEXT,
            "hint": TEXT,
        },
        optional={"file_bytes": BASE64},
    ),
}

VERIFY_SUMMARY: Final[Schema] = {
    "title": "All that was verified: the last record, also after a signal",
    **object_of(
        {
            "v": {"const": VERSION},
            "type": {"const": "verify_summary"},
            "lock": TEXT,
            "whole": {"type": "boolean"},
            "images": COUNT,
            "free": COUNT,
            "findings": object_of({kind.value: COUNT for kind in FindingKind}),
            "exit_code": {"type": "integer", "minimum": 0, "maximum": 255},
        },
        optional={"lock_bytes": BASE64},
    ),
}

VERIFICATIONS: Final = {"verify": VERIFY, "verify_summary": VERIFY_SUMMARY}
