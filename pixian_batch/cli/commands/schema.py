"""`pixian-batch schema`: the JSON Schema of what `--json` writes."""

from __future__ import annotations

import json

from pixian_batch.cli.shared import say
from pixian_batch.display.schema import RECORD


def schema() -> None:
    """Print the JSON Schema (2020-12) of one line of `pixian-batch run --json`.

    Example: pixian-batch schema > record.schema.json
    """
    say([json.dumps(RECORD, indent=2, ensure_ascii=False)])
