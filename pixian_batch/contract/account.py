"""Who is asking, and what the service says of them: credentials, their check and `/account`, as data. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TYPE_CHECKING, AnyStr, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORTEST_SECRET: Final = 8
"""Shorter ones are nobody's secret, and would be found in ordinary words."""
_IN_PLACE: Final = "[secret]"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The API id and secret. The secret never shows in a `repr`, a log or a traceback."""

    api_id: str
    secret: str

    def basic(self) -> str:
        """The value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.api_id}:{self.secret}".encode()).decode()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown: the secret, and how it travels."""
        texts = (self.secret, self.basic().removeprefix("Basic "))
        return tuple(text for text in texts if len(text) >= _SHORTEST_SECRET)

    def redacted(self, body: bytes) -> bytes:
        """`body` without the secret: a service or a proxy may repeat what it was sent."""
        return redacted(body, self.secrets)

    def __repr__(self) -> str:
        return f"Credentials(api_id={self.api_id!r}, secret=…)"


def redacted(text: AnyStr, secrets: Iterable[str]) -> AnyStr:
    """`text` (or a body in UTF-8) without any of the `secrets`."""
    for secret in secrets:
        if isinstance(text, str):
            text = text.replace(secret, _IN_PLACE)
        else:
            text = text.replace(secret.encode(), _IN_PLACE.encode())
    return text


class CredentialCheck(Enum):
    """What the answer to a request without an image says of the credentials."""

    GOOD = "good"
    REFUSED = "refused"
    NO_CREDITS = "no credits"
    NO_API = "no API at this address"
    UNKNOWN = "unknown"
    """The service has other troubles, and says nothing of them."""


def read_probe(status: int) -> CredentialCheck:
    """The check of credentials, from the HTTP status that a request without an image got."""
    return _PROBED.get(status, CredentialCheck.UNKNOWN)


_PROBED: Final = {
    400: CredentialCheck.GOOD,  # "where is the image?"
    401: CredentialCheck.REFUSED,
    402: CredentialCheck.NO_CREDITS,
    403: CredentialCheck.REFUSED,
    404: CredentialCheck.NO_API,
    405: CredentialCheck.NO_API,
}


@dataclass(frozen=True, slots=True)
class Account:
    """What the service says about the account. credits: None when it says none that is readable."""

    credit_pack: str | None
    state: str | None
    use_before: str | None
    credits: Decimal | None


def read_account(body: bytes) -> Account:
    """The account as the body of a 200 answer describes it; what is not readable there is None."""
    try:
        payload = json.loads(body)
    except ValueError:
        payload = {}
    if not isinstance(payload, dict):
        payload = {}
    try:
        credits_left = Decimal(str(payload["credits"]))
    except (KeyError, InvalidOperation):
        credits_left = None
    return Account(
        credit_pack=_text(payload.get("creditPack")),
        state=_text(payload.get("state")),
        use_before=_text(payload.get("useBefore")),
        credits=credits_left,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
