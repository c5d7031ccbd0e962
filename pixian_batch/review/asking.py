"""The key parameters of a bought result -> what was asked for, and the options that ask for it again. Pure.

Proved by tests/review/test_asking.py.
"""

from __future__ import annotations

from typing import Final

from pixian_batch.contract.params import BY_WIRE, OutputFormat, Params, params_from_text
from pixian_batch.policy.record import converted, is_delta

_LOCAL: Final = "service=local"
_OWN_MODEL: Final = ("--engine-model", "MODEL.onnx")
"""Which file it was is not in the ledger, only its fingerprint."""


def params_of(parameters: str) -> Params:
    """The API's parameters in a key's. Raises `ParamError` where they make no sense."""
    return params_from_text(_pairs(parameters))


def is_bare_delta(parameters: str) -> bool:
    """Whether the result is a Delta PNG itself, and not rebuilt."""
    return not is_delta(parameters) and f"{_wire('output_format')}={OutputFormat.DELTA_PNG}" in parameters


def options_of(parameters: str) -> list[str]:
    """The words of a command line that ask for the same."""
    words: list[str] = []
    for attribute, text in _pairs(parameters):
        option = "--" + attribute.replace("_", "-")
        if attribute == "output_format" and (text == OutputFormat.PNG or is_delta(parameters)):
            continue  # what there is without a word, or what --via-delta says
        words += [option] if text == "true" else [option, text]
    words += ["--via-delta"] if is_delta(parameters) else []
    words += ["--convert"] if converted(parameters) else []
    for part in parameters.split(";"):
        if part.startswith(_LOCAL):
            words += ["--local", *(_OWN_MODEL if part != _LOCAL else ())]
    return words


def _pairs(parameters: str) -> list[tuple[str, str]]:
    """(attribute, text) of those that are the API's."""
    parts = (part.partition("=") for part in parameters.split(";"))
    return [(BY_WIRE[name].attribute, text) for name, _, text in parts if name in BY_WIRE]


def _wire(attribute: str) -> str:
    return next(field.wire for field in BY_WIRE.values() if field.attribute == attribute)
