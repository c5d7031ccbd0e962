"""Who is asking, and what the service says of the account: credentials and `/account`, as data. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

_SHORTEST_SECRET: Final = 8
"""Shorter ones are nobody's secret, and would be found in ordinary words."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The API id and secret. The secret never shows in a `repr`, a log or a traceback."""

    api_id: str
    secret: str

    def basic(self) -> str:
        """The value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.api_id}:{self.secret}".encode()).decode()

    def redacted(self, body: bytes) -> bytes:
        """`body` without the secret: a service or a proxy may repeat what it was sent."""
        for text in (self.secret, self.basic().removeprefix("Basic ")):
            if len(text) >= _SHORTEST_SECRET:
                body = body.replace(text.encode(), b"[secret]")
        return body

    def __repr__(self) -> str:
        return f"Credentials(api_id={self.api_id!r}, secret=…)"


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
        said = json.loads(body)
    except ValueError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    try:
        credits_left = Decimal(str(said["credits"]))
    except (KeyError, InvalidOperation):
        credits_left = None
    return Account(
        credit_pack=_text(said.get("creditPack")),
        state=_text(said.get("state")),
        use_before=_text(said.get("useBefore")),
        credits=credits_left,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
