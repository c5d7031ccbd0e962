"""What of a JSON record breaks the published schema, by an independent validator."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from pixian_batch.display.schema import RECORD

_KNOWN = {*Draft202012Validator.VALIDATORS, "$schema", "$defs", "title"}


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema`, by which a field or keyword that it does not name is wrong: the published one allows more."""
    assert set(schema) <= _KNOWN, "a keyword that no validator knows is a rule that nobody holds"
    rules = {name: strict(rule) if name == "items" else rule for name, rule in schema.items()}
    for name in {"properties", "$defs"} & set(rules):
        rules[name] = {key: strict(rule) for key, rule in rules[name].items()}
    return {**rules, "additionalProperties": False} if "properties" in rules else rules


Draft202012Validator.check_schema(RECORD)
_VALIDATOR = Draft202012Validator(strict(RECORD))


def violation(record: Any) -> str:
    """Where `record` breaks the schema most, and how; empty for a good one."""
    error = best_match(_VALIDATOR.iter_errors(record))
    return "" if error is None else f"{error.json_path}: {error.message}"
