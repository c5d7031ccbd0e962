"""`pixian-batch schema`, and the help of the small commands."""

from __future__ import annotations

import json

import pytest
from support.commands import command

from pixian_batch.display.schema import RECORD

SMALL = ("account", "doctor", "serve", "decode", "schema")


def test_it_prints_the_published_schema() -> None:
    result = command("schema")
    assert result.code == 0
    assert json.loads(result.out) == RECORD


@pytest.mark.parametrize("name", SMALL)
def test_help_has_an_example(name: str) -> None:
    result = command(name, "--help")
    assert result.code == 0
    assert f"Examples:\n  pixian-batch {name}" in result.out


@pytest.mark.parametrize("name", SMALL)
def test_loading_a_command_loads_nothing_heavy(name: str) -> None:
    import subprocess  # only here
    import sys

    code = (
        f"import sys, pixian_batch.cli.commands.{name}; "
        "print({'aiohttp', 'numpy', 'PIL', 'onnxruntime', 'aiofiles'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
