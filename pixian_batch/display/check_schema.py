"""The published JSON Schema of the records that `check --json` writes. Data only."""

from __future__ import annotations

from typing import Final

from pixian_batch.display.schema_parts import (
    BASE64,
    COUNT,
    MAYBE_TEXT,
    SHARE,
    TEXT,
    VERSION,
    Schema,
    object_of,
)

_SEVERITY: Final[Schema] = {"enum": ["error", "warning"]}
_COMPLIANCE: Final = ("complies", "advised", "breaks", "unreadable")
CHECK: Final[Schema] = {
    "title": "One file, checked against one profile",
    **object_of(
        {
            "v": {"const": VERSION},
            "type": {"const": "check"},
            "file": TEXT,
            "profile": TEXT,
            "status": {"enum": list(_COMPLIANCE)},
            "complies": {"type": "boolean"},
            "error": object_of({"message": TEXT, "hint": TEXT}, nullable=True),
            "image": object_of(
                {
                    "format": TEXT,
                    "width": COUNT,
                    "height": COUNT,
                    "bytes": COUNT,
                    "colors": {"enum": ["srgb", "grey", "cmyk", "other"]},
                    "color_profile": MAYBE_TEXT,
                    "pictures": COUNT,
                    "transparent": SHARE,
                },
                nullable=True,
            ),
            "broken": {
                "type": "array",
                "items": object_of(
                    {
                        "rule": TEXT,
                        "severity": _SEVERITY,
                        "measured": TEXT,
                        "value": {"type": ["number", "string", "boolean", "null"]},
                        "demanded": TEXT,
                        "advice": TEXT,
                        "at": object_of({"x": COUNT, "y": COUNT}, nullable=True),
                    }
                ),
            },
            "not_judged": {"type": "array", "items": TEXT},
        },
        optional={"file_bytes": BASE64},
    ),
}

CHECK_SUMMARY: Final[Schema] = {
    "title": "All that was checked: the last record of a check, also after a signal",
    **object_of(
        {
            "v": {"const": VERSION},
            "type": {"const": "check_summary"},
            "whole": {"type": "boolean"},
            "strict": {"type": "boolean"},
            "profiles": {
                "type": "array",
                "items": object_of(
                    {
                        "profile": TEXT,
                        "files": COUNT,
                        **dict.fromkeys(_COMPLIANCE, COUNT),
                        "failing": COUNT,
                        "rules": {
                            "type": "array",
                            "items": object_of(
                                {"rule": TEXT, "severity": _SEVERITY, "demanded": TEXT, "broken": COUNT}
                            ),
                        },
                    }
                ),
            },
            "exit_code": {"type": "integer", "minimum": 0, "maximum": 255},
        }
    ),
}

_DEMANDS: Final[Schema] = {"type": "object", "additionalProperties": TEXT}
CHECK_PROFILE: Final[Schema] = {
    "title": "What a profile asks for",
    **object_of(
        {
            "v": {"const": VERSION},
            "type": {"const": "check_profile"},
            "profile": TEXT,
            "title": TEXT,
            "error": _DEMANDS,
            "warning": _DEMANDS,
            "recipe": MAYBE_TEXT,
            "sources": {"type": "array", "items": TEXT},
            "checked": MAYBE_TEXT,
        }
    ),
}

CHECKS: Final = {"check": CHECK, "check_summary": CHECK_SUMMARY, "check_profile": CHECK_PROFILE}
