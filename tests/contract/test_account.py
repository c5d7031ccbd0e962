"""Credentials stay secret, their check is read once, and `/account` is read whatever it says."""

from __future__ import annotations

from decimal import Decimal

from pixian_batch.contract.account import (
    Account,
    CredentialCheck,
    Credentials,
    read_account,
    read_probe,
    redacted,
)

OURS = Credentials("id", "a long secret")
NOTHING = Account(None, None, None, None)


def test_a_probe_says_whether_the_credentials_are_good() -> None:
    known = {
        400: CredentialCheck.GOOD,
        401: CredentialCheck.REFUSED,
        402: CredentialCheck.NO_CREDITS,
        403: CredentialCheck.REFUSED,
        404: CredentialCheck.NO_API,
        405: CredentialCheck.NO_API,
    }
    for status in range(100, 600):
        assert read_probe(status) is known.get(status, CredentialCheck.UNKNOWN), status


def test_neither_the_secret_nor_how_it_travels_is_shown() -> None:
    travels = OURS.basic().removeprefix("Basic ")
    text = f"<a long secret> <{travels}> <Größe> <\udcff>"
    assert redacted(text, OURS.secrets) == "<[secret]> <[secret]> <Größe> <\udcff>"
    assert OURS.redacted(f"<a long secret> <{travels}>".encode()) == b"<[secret]> <[secret]>"
    assert "a long secret" not in repr(OURS)


def test_what_is_too_short_for_a_secret_is_not_looked_for() -> None:
    short = Credentials("", "test")
    assert "test" not in short.secrets
    assert short.redacted(b"a test") == b"a test"


def test_an_account_is_read_as_far_as_it_can_be() -> None:
    whole = b'{"creditPack": "p", "state": "active", "useBefore": "2030-01-01", "credits": 12.50}'
    assert read_account(whole) == Account("p", "active", "2030-01-01", Decimal("12.5"))
    for body in (b"", b"[]", b"<html>", b"7", b"{}", b'{"credits": "many"}', b'{"credits": null}'):
        assert read_account(body) == NOTHING, body
