"""The emulator's OpenAPI 3.1 description, made from `contract`: one source, served and testable. Pure."""

from __future__ import annotations

from typing import Any, Final

from pixian_batch.contract.params import (
    DEFAULT_JPEG_QUALITY,
    DEFAULT_MAX_PIXELS,
    FIELDS,
    MAX_BASE64_CHARS,
    MIN_MAX_PIXELS,
    OutputFormat,
    VerticalAlignment,
)
from pixian_batch.emulator.refusals import ACCOUNT_PATH, REMOVE_PATH
from pixian_batch.emulator.weather import RESULT_HEADERS

_Schema = dict[str, Any]
_BOOL: Final[_Schema] = {"type": "string", "enum": ["true", "false"], "default": "false"}
# Form fields are text, so every schema is of a string; the numbers' ranges are said in patterns or words.
_SCHEMAS: Final[dict[str, _Schema]] = {
    "test": _BOOL | {"description": "Free, watermarked result."},
    "max_pixels": {
        "type": "integer",
        "minimum": MIN_MAX_PIXELS,
        "maximum": DEFAULT_MAX_PIXELS,
        "default": DEFAULT_MAX_PIXELS,
        "description": "Larger inputs are shrunk to this area first.",
    },
    "background_color": {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"},
    "crop_to_foreground": _BOOL,
    "margin": {
        "type": "string",
        "pattern": r"^[0-9]{1,6}(\.[0-9]{1,6})?(px|%)( [0-9]{1,6}(\.[0-9]{1,6})?(px|%)){0,3}$",
        "default": "0px",
    },
    "target_size": {"type": "string", "pattern": "^[1-9][0-9]{0,3} [1-9][0-9]{0,3}$"},
    "vertical_alignment": {"type": "string", "enum": list(VerticalAlignment), "default": "middle"},
    "output_format": {"type": "string", "enum": list(OutputFormat), "default": "auto"},
    "jpeg_quality": {"type": "integer", "minimum": 1, "maximum": 100, "default": DEFAULT_JPEG_QUALITY},
}
_IMAGES: Final[dict[str, _Schema]] = {
    "image": {"type": "string", "format": "binary"},
    "image.base64": {"type": "string", "maxLength": MAX_BASE64_CHARS, "contentEncoding": "base64"},
    "image.url": {"type": "string", "format": "uri"},
}
_MEANINGS: Final = {
    400: "Something in the request is wrong; the message says what.",
    401: "Unknown credentials.",
    402: "No credit pack, a dormant one, or out of credits.",
    408: "The upload stood still for too long.",
    413: "Too many bytes or too many pixels.",
    417: "An expectation that cannot be met.",
    429: "Slow down.",
    500: "Internal error.",
    502: "Bad gateway, in HTML: weather.",
    503: "Overloaded.",
}


def describe(origin: str) -> _Schema:
    """The description of an emulator at `origin`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pixian.AI API v2, as emulated by pixian-batch", "version": "2"},
        "servers": [{"url": origin}],
        "security": [{"basic": []}],
        "paths": {REMOVE_PATH: {"post": _remove()}, ACCOUNT_PATH: {"get": _account()}},
        "components": {
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
            "schemas": {"Error": _error(), "Account": _account_schema()},
        },
    }


def _remove() -> _Schema:
    forms = {
        "multipart/form-data": {"schema": _form(_IMAGES)},
        # Public clients send the texts so; an image in bytes needs multipart.
        "application/x-www-form-urlencoded": {
            "schema": _form({name: schema for name, schema in _IMAGES.items() if name != "image"})
        },
    }
    return {
        "operationId": "removeBackground",
        "requestBody": {"required": True, "content": forms},
        "responses": {"200": _result()} | {str(status): _failure(text) for status, text in _MEANINGS.items()},
    }


def _form(images: dict[str, _Schema]) -> _Schema:
    fields = {field.wire: _SCHEMAS[field.attribute] for field in FIELDS}
    return {
        "type": "object",
        "properties": images | fields,
        "additionalProperties": False,
        "oneOf": [{"required": [name]} for name in images],
    }


def _result() -> _Schema:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        "description": "The result.",
        "content": {"image/png": binary, "image/jpeg": binary},
        "headers": {name: {"schema": {"type": "string"}} for name in RESULT_HEADERS},
    }


def _failure(description: str) -> _Schema:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {"description": description, "content": error}


def _account() -> _Schema:
    account = {"application/json": {"schema": {"$ref": "#/components/schemas/Account"}}}
    return {
        "operationId": "getAccount",
        "responses": {
            "200": {"description": "The account.", "content": account},
            "401": _failure(_MEANINGS[401]),
        },
    }


def _error() -> _Schema:
    said = {
        "type": "object",
        "required": ["status", "message"],
        "properties": {
            "status": {"type": "integer"},
            "code": {"type": ["integer", "null"]},
            "message": {"type": "string"},
        },
    }
    return {"type": "object", "required": ["error"], "properties": {"error": said}}


def _account_schema() -> _Schema:
    return {
        "type": "object",
        "required": ["creditPack", "state", "useBefore", "credits"],
        "properties": {
            "creditPack": {"type": "string"},
            "state": {"enum": ["active", "dormant"]},
            "useBefore": {"type": "string", "format": "date"},
            "credits": {"type": "number"},
        },
    }
