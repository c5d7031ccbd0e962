"""What the schemas of the JSON records are made of. Data only."""

from __future__ import annotations

from typing import Any, Final

VERSION: Final = 1

Schema = dict[str, Any]

COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
CREDITS: Final[Schema] = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}
MAYBE_CREDITS: Final[Schema] = {"type": ["string", "null"], "pattern": r"^[0-9]+(\.[0-9]+)?$"}
SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
TEXT: Final[Schema] = {"type": "string"}
MAYBE_TEXT: Final[Schema] = {"type": ["string", "null"]}
BASE64: Final[Schema] = {"type": "string", "pattern": r"^[A-Za-z0-9+/]+={0,2}$"}


def object_of(properties: Schema, *, optional: Schema | None = None, nullable: bool = False) -> Schema:
    """An object with these fields; the optional ones may be missing."""
    return {
        "type": ["object", "null"] if nullable else "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
    }
