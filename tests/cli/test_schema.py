"""`pixian-batch schema` prints what is published."""

from __future__ import annotations

import json

from support.commands import command

from pixian_batch.display.schema import RECORD


def test_it_prints_the_published_schema() -> None:
    result = command("schema")
    assert result.code == 0
    assert json.loads(result.out) == RECORD
