"""The published JSON Schema (2020-12) of the records that `--json` writes. Data only.

A change here is a change of the contract: new fields may be added, none may change or go while `v` is 1.
"""

from __future__ import annotations

from typing import Final

from pixian_batch.display import schema_parts as parts
from pixian_batch.display.check_schema import CHECKS
from pixian_batch.display.verify_schema import VERIFICATIONS
from pixian_batch.policy.concurrency import ChangeReason
from pixian_batch.policy.left_out import Reason
from pixian_batch.policy.look import Suspicion
from pixian_batch.policy.outcome import SkipReason
from pixian_batch.policy.record import CONVERSIONS
from pixian_batch.policy.stopping import REASONS

Schema = parts.Schema
VERSION: Final = parts.VERSION
_object = parts.object_of
_COUNT, _SECONDS, _SHARE = parts.COUNT, parts.SECONDS, parts.SHARE
_CREDITS, _MAYBE_CREDITS = parts.CREDITS, parts.MAYBE_CREDITS
_TEXT, _MAYBE_TEXT, _BASE64 = parts.TEXT, parts.MAYBE_TEXT, parts.BASE64

_SIZE: Final = _object({"width": _COUNT, "height": _COUNT}, nullable=True)
_BOX: Final = _object({"top": _COUNT, "left": _COUNT, "width": _COUNT, "height": _COUNT}, nullable=True)

LAUNCH: Final[Schema] = {
    "title": "What a run was asked for: always the first record",
    **_object(
        {
            "v": {"const": VERSION},
            "type": {"const": "launch"},
            "pid": _COUNT,
            "version": _TEXT,
            "started_at": _TEXT,
            "inputs": {"type": "array", "items": _TEXT},
            "files_from": _MAYBE_TEXT,
            "out": _TEXT,
            "ledger": _TEXT,
            "parameters": _TEXT,
            "service": _TEXT,
            "control": _MAYBE_TEXT,
        },
        optional={
            "inputs_bytes": {"type": "array", "items": _BASE64},
            "files_from_bytes": _BASE64,
            "out_bytes": _BASE64,
            "ledger_bytes": _BASE64,
        },
    ),
}

IMAGE: Final[Schema] = {
    "title": "What became of one image",
    **_object(
        {
            "v": {"const": VERSION},
            "type": {"const": "image"},
            "input": _TEXT,
            "output": _MAYBE_TEXT,
            "status": {"enum": ["done", "skipped", "duplicate", "failed", "in_doubt", "lost", "kept"]},
            "reason": {"enum": [*(reason.value for reason in SkipReason), None]},
            "of": _MAYBE_TEXT,
            "repaired": {"type": "boolean"},
            "replaced": {"type": "boolean"},
            "earlier": {"type": "boolean"},
            "credits_charged": _MAYBE_CREDITS,
            "credits_calculated": _MAYBE_CREDITS,
            "credits_in_doubt": _MAYBE_CREDITS,
            "http_status": {"type": ["integer", "null"], "minimum": 100, "maximum": 999},
            "error": _object(
                {"code": {"type": ["integer", "string", "null"]}, "message": _TEXT, "hint": _TEXT},
                nullable=True,
            ),
            "kept": _MAYBE_TEXT,
            "converted": {"enum": [*CONVERSIONS, None]},
            "attempts": _COUNT,
            "seconds": _SECONDS,
            "input_orientation": {"type": ["integer", "null"], "minimum": 1, "maximum": 8},
            "input_size": _SIZE,
            "result_size": _SIZE,
            "input_foreground": _BOX,
            "result_foreground": _BOX,
            "warnings": {"type": "array", "items": _TEXT},
            "suspicion": {"enum": [*(suspicion.value for suspicion in Suspicion), None]},
            "alpha": _object(
                {"visible": _SHARE, "half_transparent": _SHARE, "opaque": _SHARE}, nullable=True
            ),
        },
        optional={
            "input_bytes": _BASE64,
            "output_bytes": _BASE64,
            "of_bytes": _BASE64,
            "kept_bytes": _BASE64,
        },
    ),
}

_SUFFIXES: Final[Schema] = {"type": "array", "items": _object({"suffix": _TEXT, "count": _COUNT})}
PROGRESS: Final[Schema] = {
    "title": "How a run stands: every 30 seconds, between its other records",
    **_object(
        {
            "v": {"const": VERSION},
            "type": {"const": "progress"},
            "found": _COUNT,
            "counted": {"type": "boolean"},
            "done": _COUNT,
            "skipped": _COUNT,
            "duplicates": _COUNT,
            "failed": _COUNT,
            "in_doubt": _COUNT,
            "lost": _COUNT,
            "kept": _COUNT,
            "credits_charged": _CREDITS,
            "credits_in_doubt": _CREDITS,
            "workers": _COUNT,
            "busy": _COUNT,
            "resting": _COUNT,
            "rate": _SECONDS,
            "eta": {"type": ["number", "null"], "minimum": 0},
            "seconds": _SECONDS,
        }
    ),
}

CONCURRENCY: Final[Schema] = {
    "title": "How many workers are allowed from a moment on, and why that changed",
    **_object(
        {
            "v": {"const": VERSION},
            "type": {"const": "concurrency"},
            "at": _TEXT,
            "allowed": _COUNT,
            "in_use": _COUNT,
            "resting": _COUNT,
            "reason": {"enum": [reason.value for reason in ChangeReason]},
        }
    ),
}

_DOUBT: Final = _object(
    {
        "input": _TEXT,
        "state": {"enum": ["in_doubt", "lost"]},
        "sent_at": _TEXT,
        "at_most": _MAYBE_CREDITS,
        "credits_charged": _MAYBE_CREDITS,
    },
    optional={"input_bytes": _BASE64},
)

_SUSPECT: Final = _object(
    {
        "input": _TEXT,
        "output": _TEXT,
        "suspicion": {"enum": [suspicion.value for suspicion in Suspicion]},
        "warning": _TEXT,
    },
    optional={"input_bytes": _BASE64, "output_bytes": _BASE64},
)

SUMMARY: Final[Schema] = {
    "title": "The end of a run: always the last record",
    **_object(
        {
            "v": {"const": VERSION},
            "type": {"const": "summary"},
            "status": {"enum": ["ok", "partial", "halted"]},
            "done": _COUNT,
            "skipped": _COUNT,
            "exists": _COUNT,
            "bought": _COUNT,
            "trusted": _COUNT,
            "duplicates": _COUNT,
            "failed": _COUNT,
            "in_doubt": _COUNT,
            "lost": _COUNT,
            "kept": _COUNT,
            "not_started": _COUNT,
            "found": _COUNT,
            "counted": {"type": "boolean"},
            "repaired": _COUNT,
            "replaced": _COUNT,
            "attempts": _COUNT,
            "warnings": _COUNT,
            "empty": _COUNT,
            "half_transparent": _COUNT,
            "full": _COUNT,
            "not_looked_at": _COUNT,
            "suspect_images": {"type": "array", "items": _SUSPECT},
            "free": {"type": "boolean"},
            "credits_charged": _CREDITS,
            "credits_calculated": _CREDITS,
            "credits_unknown": _COUNT,
            "credits_in_doubt": _CREDITS,
            "credits_ever": _MAYBE_CREDITS,
            "in_doubt_images": {"type": "array", "items": _DOUBT},
            "problems": {"type": "array", "items": _object({"message": _TEXT, "count": _COUNT})},
            "left_out": _object(
                {
                    "system_folders": _COUNT,
                    "system_files": _COUNT,
                    "suffixes": _SUFFIXES,
                    "others": _SUFFIXES,
                    **dict.fromkeys((reason.value for reason in Reason), _COUNT),
                }
            ),
            "stop": _object(
                {
                    "cause": {"enum": [reason.name.lower() for reason in REASONS]},
                    "message": _TEXT,
                    "hint": _TEXT,
                },
                nullable=True,
            ),
            "out": _TEXT,
            "ledger": _TEXT,
            "seconds": _SECONDS,
            "bytes_sent": _COUNT,
            "bytes_received": _COUNT,
            "exit_code": {"type": "integer", "minimum": 0, "maximum": 255},
        },
        optional={"out_bytes": _BASE64, "ledger_bytes": _BASE64},
    ),
}

EXPORT: Final[Schema] = {
    "title": "One image in an export",
    **_object(
        {
            "v": {"const": VERSION},
            "type": {"const": "export"},
            "date": _TEXT,
            "input": _TEXT,
            "output": _MAYBE_TEXT,
            "status": {"enum": ["done", "kept", "in_doubt", "lost", "failed", "open", "sending"]},
            "megapixels": _MAYBE_CREDITS,
            "credits_charged": _CREDITS,
            "credits_calculated": _CREDITS,
            "credits_in_doubt": _MAYBE_CREDITS,
            "attempts": _COUNT,
            "run": _COUNT,
            "parameters": _TEXT,
            "results": _COUNT,
            "error": _MAYBE_TEXT,
        },
        optional={"input_bytes": _BASE64, "output_bytes": _BASE64, "error_bytes": _BASE64},
    ),
}

STATEMENT: Final[Schema] = {
    "title": "The sums of a folder, a day or a run in an export",
    **_object(
        {
            "v": {"const": VERSION},
            "type": {"const": "statement"},
            "images": _COUNT,
            "free": _COUNT,
            "megapixels": _CREDITS,
            "credits_charged": _CREDITS,
            "credits_calculated": _CREDITS,
            "in_doubt": _COUNT,
            "credits_in_doubt": _CREDITS,
            "unpriced": _COUNT,
        },
        optional={
            "folder": _TEXT,
            "folder_bytes": _BASE64,
            "day": _TEXT,
            "run": _COUNT,
            "started_at": _MAYBE_TEXT,
        },
    ),
}

VARIANT: Final[Schema] = {
    "title": "What became of one variant of a result",
    **_object(
        {
            "v": {"const": VERSION},
            "type": {"const": "variant"},
            "result": _MAYBE_TEXT,
            "recipe": _TEXT,
            "output": _TEXT,
            "status": {"enum": ["done", "skipped", "failed", "planned"]},
            "free": {"type": "boolean"},
            "bytes": {"type": ["integer", "null"], "minimum": 0},
            "quality": {"type": ["integer", "null"], "minimum": 1, "maximum": 100},
            "size": _SIZE,
            "scale": {"type": ["number", "null"], "minimum": 0},
            "error": _object({"message": _TEXT, "hint": _TEXT}, nullable=True),
        },
        optional={"result_bytes": _BASE64, "output_bytes": _BASE64},
    ),
}

RENDERED: Final[Schema] = {
    "title": "The end of `render`: always its last record",
    **_object(
        {
            "v": {"const": VERSION},
            "type": {"const": "rendered"},
            "done": _COUNT,
            "skipped": _COUNT,
            "failed": _COUNT,
            "not_started": _COUNT,
            "enlarged": _COUNT,
            "free": _COUNT,
            "bytes": _COUNT,
            "exit_code": {"type": "integer", "minimum": 0, "maximum": 255},
        }
    ),
}

REPORT: Final[Schema] = {
    "title": "A report that was made",
    **_object(
        {
            "v": {"const": VERSION},
            "type": {"const": "report"},
            "page": _TEXT,
            "pictures": _COUNT,
            "fresh": _COUNT,
            "suspect": _COUNT,
            "unreadable": _COUNT,
        },
        optional={"page_bytes": _BASE64},
    ),
}

RECORD: Final[Schema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "One line of pixian-batch --json",
    "oneOf": [
        {"$ref": f"#/$defs/{name}"}
        for name in (
            "launch",
            "image",
            "progress",
            "concurrency",
            "summary",
            "export",
            "statement",
            "variant",
            "rendered",
            "report",
            *CHECKS,
            *VERIFICATIONS,
        )
    ],
    "$defs": {
        "launch": LAUNCH,
        "concurrency": CONCURRENCY,
        "image": IMAGE,
        "progress": PROGRESS,
        "summary": SUMMARY,
        "export": EXPORT,
        "statement": STATEMENT,
        "variant": VARIANT,
        "rendered": RENDERED,
        "report": REPORT,
        **CHECKS,
        **VERIFICATIONS,
    },
}
"""What any one line is. Unknown fields are allowed: readers of version 1 must ignore them."""
