"""What the head of an answer says, as a block of bytes that goes before its body in a spool. Pure: writes no file.

A spool has one only where the ledger did not take the head: body and credits live or die together then.
tests/adapters/test_spool.py proves it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from pixian_batch.contract.headers import read_result_headers, write_result_headers
from pixian_batch.policy.record import Answered

ROOM: Final = 1024
"""Bytes of a block, whatever it says. As many are set aside in every spool before its request leaves."""
_MARK: Final = b"\x93pixian-batch head 1\n"
"""No picture begins so."""
_SUM_BYTES: Final = 16


def pack_head(head: Answered) -> bytes:
    """The block that says `head`."""
    facts = {"status": head.http_status, "length": head.length, **write_result_headers(head.headers)}
    text = json.dumps(facts).encode().ljust(ROOM - len(_MARK) - _SUM_BYTES)
    return _MARK + blake2b(text, digest_size=_SUM_BYTES).digest() + text


def unpack_head(block: bytes) -> Answered | None:
    """What a block says; None when it is none, or not whole."""
    start = len(_MARK) + _SUM_BYTES
    checksum, text = block[len(_MARK) : start], block[start:ROOM]
    if not block.startswith(_MARK) or checksum != blake2b(text, digest_size=_SUM_BYTES).digest():
        return None
    facts = json.loads(text)
    status, length = facts.pop("status"), facts.pop("length")
    return Answered(status, replace(read_result_headers(facts), warnings=()), length)
