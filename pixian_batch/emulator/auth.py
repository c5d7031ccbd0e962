"""Who asks: reading and checking HTTP Basic credentials. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from pixian_batch.emulator import refusals

if TYPE_CHECKING:
    from pixian_batch.emulator.settings import EmulatorSettings


def check(authorization: str | None, settings: EmulatorSettings) -> None:
    """Let the right credentials pass; raises `Refusal` (401) for all others."""
    if not authorization:
        raise refusals.no_credentials()
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        raise refusals.wrong_scheme(scheme)
    api_id, secret = _decode(rest.strip())
    _compare(api_id, secret, settings)


def _decode(text: str) -> tuple[bytes, bytes]:
    try:
        pair = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refusals.unreadable_credentials() from None
    api_id, colon, secret = pair.partition(b":")
    if not colon:
        raise refusals.unreadable_credentials()
    return api_id, secret


def _compare(api_id: bytes, secret: bytes, settings: EmulatorSettings) -> None:
    # Both are always compared, in constant time, so that timing tells nothing about either.
    expected_id = api_id if settings.api_id is None else settings.api_id.encode()
    expected_secret = secret if settings.api_id is None else settings.api_secret.encode()
    id_right = hmac.compare_digest(api_id, expected_id)
    secret_right = hmac.compare_digest(secret, expected_secret)
    if not api_id or not id_right:
        raise refusals.unknown_id()
    if not secret:
        raise refusals.empty_secret()
    if not secret_right:
        raise refusals.wrong_secret()
