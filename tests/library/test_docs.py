"""The examples of docs/reference/library.md, run as they stand, against the emulator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from support.emulators import EmulatorThread

import pixian_batch

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "library.md"
EXAMPLES = re.findall(r"(?s)```python\n(.*?)```", PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIXIAN_API_ID", "id")
    monkeypatch.setenv("PIXIAN_API_SECRET", "secret")
    for name in ("photo", "chair"):
        Image.effect_noise((40, 30), 50).save(f"{name}.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    with EmulatorThread() as emulator:
        for function in (pixian_batch.PixianClient.__init__, pixian_batch.remove_background):
            assert function.__kwdefaults__ is not None
            monkeypatch.setitem(function.__kwdefaults__, "api_url", emulator.url)
        exec(compile(example, str(PAGE), "exec"), {"__name__": "__main__"})  # noqa: S102  # our own page
    said = capsys.readouterr().out
    assert "Error" not in said.replace("broken InputError", "")
    assert (tmp_path / "photo.png").exists() is ('.png"' in example)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 7


def test_the_page_names_every_exception_and_parameter() -> None:
    text = PAGE.read_text(encoding="utf-8")
    names = [*pixian_batch._PLACES["library.errors"], *pixian_batch.Parameters.__annotations__]
    assert [name for name in names if f"`{name}`" not in text] == []
