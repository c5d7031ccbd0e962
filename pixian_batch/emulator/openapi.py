"""The emulator's OpenAPI 3.1 description, made from `contract`: one source, served and testable. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from pixian_batch.contract import params
from pixian_batch.emulator.refusals import ACCOUNT_PATH, IMAGE_FIELDS, REMOVE_PATH
from pixian_batch.emulator.weather import RESULT_HEADERS

_Schema = dict[str, Any]
_TEXT: Final[_Schema] = {"type": "string"}
_PART: Final = r"[0-9]{1,6}(\.[0-9]{1,6})?(px|%)"
# What the types of `Params` do not say. Form fields are text, and ranges are those of what it stands for.
_MORE: Final[dict[str, _Schema]] = {
    "test": {"description": "Free, watermarked result."},
    "max_pixels": {
        "minimum": params.MIN_MAX_PIXELS,
        "maximum": params.DEFAULT_MAX_PIXELS,
        "description": "Larger inputs are shrunk to this area first.",
    },
    "background_color": {"pattern": "^#[0-9A-Fa-f]{6}$"},
    "margin": {"pattern": f"^{_PART}( {_PART}){{0,3}}$", "default": "0px"},
    "target_size": {"pattern": "^[1-9][0-9]{0,3} [1-9][0-9]{0,3}$"},
    "jpeg_quality": {"minimum": 1, "maximum": 100},
}
_IMAGES: Final[dict[str, _Schema]] = {
    "image": {"format": "binary"},
    "image.base64": {"maxLength": params.MAX_BASE64_CHARS, "contentEncoding": "base64"},
    "image.url": {"format": "uri"},
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
_ERROR: Final = {"status": {"type": "integer"}, "code": {"type": ["integer", "null"]}, "message": _TEXT}
_ACCOUNT: Final = {
    "creditPack": _TEXT,
    "state": {"enum": ["active", "dormant"]},
    "useBefore": _TEXT | {"format": "date"},
    "credits": {"type": "number"},
}


def describe(origin: str) -> _Schema:
    """The description of an emulator at `origin`."""
    error = _object(_ERROR, "status", "message")
    account = {"200": _answer("The account.", "Account"), "401": _answer(_MEANINGS[401], "Error")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pixian.AI API v2, as emulated by pixian-batch", "version": "2"},
        "servers": [{"url": origin}],
        "security": [{"basic": []}],
        "paths": {
            REMOVE_PATH: {"post": _remove()},
            ACCOUNT_PATH: {"get": {"operationId": "getAccount", "responses": account}},
        },
        "components": {
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
            "schemas": {"Error": _object({"error": error}, "error"), "Account": _object(_ACCOUNT, *_ACCOUNT)},
        },
    }


def _object(properties: _Schema, *required: str) -> _Schema:
    return {"type": "object", "required": list(required), "properties": properties}


def _answer(description: str, schema: str) -> _Schema:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _remove() -> _Schema:
    binary = {"schema": {"type": "string", "format": "binary"}}
    result = {
        "description": "The result.",
        "content": {"image/png": binary, "image/jpeg": binary},
        "headers": {name: {"schema": _TEXT} for name in RESULT_HEADERS},
    }
    refusals = {str(status): _answer(text, "Error") for status, text in _MEANINGS.items()}
    forms = {
        "multipart/form-data": {"schema": _form(*IMAGE_FIELDS)},
        # Public clients send the texts so; an image in bytes needs multipart.
        "application/x-www-form-urlencoded": {"schema": _form(*IMAGE_FIELDS[1:])},
    }
    return {
        "operationId": "removeBackground",
        "requestBody": {"required": True, "content": forms},
        "responses": {"200": result} | refusals,
    }


def _form(*images: str) -> _Schema:
    pictures = {name: _TEXT | _IMAGES[name] for name in images}
    return {
        "type": "object",
        "properties": pictures | {field.wire: _schema(field.attribute) for field in params.FIELDS},
        "additionalProperties": False,
        "oneOf": [{"required": [name]} for name in images],
    }


def _schema(attribute: str) -> _Schema:
    default = getattr(params.Params(), attribute)
    kind: _Schema = {"type": "string"}
    if isinstance(default, bool):
        kind |= {"enum": ["true", "false"], "default": "false"}
    elif isinstance(default, int):
        kind = {"type": "integer", "default": default}
    elif isinstance(default, StrEnum):
        kind |= {"enum": list(type(default)), "default": default}
    return kind | _MORE.get(attribute, {})
