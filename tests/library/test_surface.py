"""The library's public names, its keyword arguments, and the one-liner."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.emulator_lab import picture
from support.emulators import EmulatorThread

import pixian_batch
from pixian_batch.contract.params import FIELDS, Color, Length, Params, Size, params_to_wire
from pixian_batch.library.parameters import Parameters, read_parameters


def test_every_public_name_is_there() -> None:
    for name in pixian_batch.__all__:
        assert getattr(pixian_batch, name) is not None
        assert name in dir(pixian_batch)
    with pytest.raises(AttributeError, match="no_such"):
        _ = pixian_batch.no_such  # type: ignore[attr-defined]


def test_type_checkers_see_the_same_names() -> None:
    text = Path(pixian_batch.__file__).read_text(encoding="utf-8")
    typed = dict(re.findall(r"from pixian_batch\.(\S+) import \w+ as (\w+)", text))
    seen = {
        name: module for module, name in re.findall(r"from pixian_batch\.(\S+) import \w+ as (\w+)", text)
    }
    assert typed
    assert seen == pixian_batch._MODULE_OF


@pytest.mark.parametrize("name", ["PixianError", "Params", "InDoubtError"])
def test_names_that_need_no_network_load_none(name: str) -> None:
    code = f"import pixian_batch, sys; pixian_batch.{name}; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_errors_are_one_family_and_survive_a_process_border() -> None:
    for name in pixian_batch._PLACES["library.errors"]:
        kind = getattr(pixian_batch, name)
        assert issubclass(kind, pixian_batch.PixianError)
        error = kind("it broke.", hint="mend it", status=400, code=1006, attempts=2)
        again = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
        assert str(again) == "it broke — mend it"
        assert (again.status, again.code, again.attempts) == (400, 1006, 2)


def test_every_parameter_is_a_keyword() -> None:
    assert set(Parameters.__annotations__) == {field.attribute for field in FIELDS}


@pytest.mark.parametrize(
    ("given_", "wire"),
    [
        ({"background_color": (255, 0, 16)}, [("background.color", "#FF0010")]),
        ({"background_color": Color(1, 2, 3)}, [("background.color", "#010203")]),
        ({"background_color": None, "target_size": None}, []),
        ({"target_size": (1200, 800)}, [("result.target_size", "1200 800")]),
        ({"target_size": "1200x800"}, [("result.target_size", "1200 800")]),
        ({"target_size": Size(3, 4), "vertical_alignment": "top"}, None),
        ({"margin": "5% 10px", "crop_to_foreground": True}, None),
        ({"output_format": "jpeg", "jpeg_quality": 90, "test": True}, None),
        ({"max_pixels": 1_000_000}, [("max_pixels", "1000000")]),
    ],
)
def test_friendly_values(given_: dict[str, Any], wire: list[tuple[str, str]] | None) -> None:
    said = params_to_wire(read_parameters(None, given_))
    assert len(said) == sum(value is not None for value in given_.values())
    if wire is not None:
        assert said == wire


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"background_color": "FFFFFF"}, "background_color: 'FFFFFF' lacks its #"),
        ({"background_color": (1, 2, 300)}, "background_color"),
        ({"margin": 10}, "needs a unit"),
        ({"target_size": (0, 5)}, "target_size"),
        ({"max_pixels": 1e6}, "whole number"),
        ({"max_pixels": True}, "max_pixels"),
        ({"test": 1}, "neither true nor false"),
        ({"jpeg_quality": 90}, "^jpeg_quality has no effect on png: add output_format jpeg$"),
        ({"vertical_alignment": "top"}, "^vertical_alignment needs target_size"),
        ({"output_format": "delta_png", "margin": "1px"}, "delta_png ignores margin"),
    ],
)
def test_mistakes_are_told_in_the_callers_words(given_: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        read_parameters(None, given_)
    assert "--" not in str(caught.value)


def test_an_unknown_parameter() -> None:
    with pytest.raises(TypeError, match="'format' is no parameter; there are test, max_pixels"):
        read_parameters(None, {"format": "png"})


def test_ready_made_params_are_checked_too() -> None:
    with pytest.raises(pixian_batch.ParamError):
        read_parameters(Params(max_pixels=1), {})
    assert read_parameters(Params(test=True), {"max_pixels": 100}) == Params(test=True, max_pixels=100)


@given(
    st.integers(0, 255),
    st.integers(1, 5000),
    st.decimals(0, 999, places=2, allow_nan=False),
    st.sampled_from(["px", "%"]),
)
def test_typed_values_mean_what_they_say(channel: int, side: int, number: Decimal, unit: Any) -> None:
    length = Length(number, unit)
    wanted = Params(
        background_color=Color(channel, 0, 255 - channel),
        target_size=Size(side, side),
        margin=pixian_batch.Margin(length, length, length, length),
    )
    given_ = {
        "background_color": (channel, 0, 255 - channel),
        "target_size": (side, side),
        "margin": str(length),
    }
    assert read_parameters(None, given_) == wanted == read_parameters(wanted, {})


# --- the one-liner -----------------------------------------------------------------------------------


def test_one_line_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXIAN_API_ID", "id")
    monkeypatch.setenv("PIXIAN_API_SECRET", "secret")
    (tmp_path / "a.png").write_bytes(picture())
    with EmulatorThread() as emulator:
        result = pixian_batch.remove_background(
            tmp_path / "a.png", to=tmp_path / "b.png", api_url=emulator.url
        )
    assert (tmp_path / "b.png").exists()
    assert result.headers.credits_charged == Decimal("0.05")


@pytest.mark.asyncio
async def test_one_line_inside_a_loop_says_what_to_use() -> None:
    with pytest.raises(RuntimeError, match="async with PixianClient"):
        pixian_batch.remove_background(b"")
