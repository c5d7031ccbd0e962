"""Settings from a file and from options: `settings.py` and `reading.py`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pixian_batch.emulator.reading import SettingsError, lay_over, options_of, read_file, read_text
from pixian_batch.emulator.settings import EmulatorSettings, EngineName, PackState, Price
from pixian_batch.emulator.weather import Chance, Fault, FaultKind, Latency, RateLimit, Weather

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
engine = "plain"
api_id = "me"
api_secret = "hush"
credits = 12.30
pack_state = "dormant"
bill_file = "bill.jsonl"
allow_fetch = ["127.0.0.1", "*.example.com"]
price = { base = 0.1, per_megapixel = "0.2", quantum = 0.05 }

[weather]
seed = 4
script = ["fair", "cut_body", ""]
unauthorized_from = 900
latency = { median = 2, sigma = 0.4 }
rate_limit = { per_second = 10, burst = 20, concurrent = 30, retry_after = 3 }

[weather.by_image]
AB12 = ["slow_down"]

[[weather.chances]]
fault = "error_503"
probability = 0.02

[[weather.chances]]
fault = "stall_in_body:5"
every = 100
"""


def test_a_file_can_say_everything(tmp_path: Path) -> None:
    file = tmp_path / "emulator.toml"
    file.write_text(WHOLE)
    assert read_file(EmulatorSettings, file) == EmulatorSettings(
        engine=EngineName.PLAIN,
        api_id="me",
        api_secret="hush",
        credits=Decimal("12.3"),
        pack_state=PackState.DORMANT,
        bill_file=tmp_path / "bill.jsonl",
        allow_fetch=("127.0.0.1", "*.example.com"),
        price=Price(Decimal("0.1"), Decimal("0.2"), Decimal("0.05")),
        weather=Weather(
            seed=4,
            script=(None, Fault(FaultKind.CUT_BODY), None),
            unauthorized_from=900,
            latency=Latency(2, 0.4),
            rate_limit=RateLimit(10, 20, 30, 3),
            by_image={"ab12": (Fault(FaultKind.SLOW_DOWN),)},
            chances=(
                Chance(Fault(FaultKind.ERROR_503), probability=0.02),
                Chance(Fault(FaultKind.STALL_IN_BODY, "5"), every=100),
            ),
        ),
    )


def test_an_empty_file_says_nothing() -> None:
    assert read_text(EmulatorSettings, "") == EmulatorSettings()


def test_a_wrong_file_is_told_where_and_why() -> None:
    for text, hint in (
        ("engin = 'plain'", "engin is not a setting; did you mean engine"),
        ("[weather]\nlatncy = {}", "weather.latncy is not a setting; did you mean latency"),
        ("[weather.latency]\nmeadian = 1", "did you mean median"),
        ("[[weather.chances]]\nfault = 'cut_body'\nprobabilty = 1", "did you mean probability"),
        ("zzz = 1", "there are engine"),
        ("engine = 'gpu'", "one of u2netp, plain, canned"),
        ("engine = 3", "one of u2netp"),
        ("free = 1", "true or false"),
        ("spool_bytes = true", "whole number"),
        ("spool_bytes = 0", "above 0"),
        ("credits = 'lots'", "decimal"),
        ("credits = inf", "finite"),
        ("credits = true", "decimal"),
        ("weather = 3", "must be a table"),
        ("weather.script = 'cut_body'", "must be a list"),
        ("weather.script = ['cut']", "no fault"),
        ("weather.by_image = 3", "table"),
        ("[[weather.chances]]\nfault = 'cut_body'", "probability"),
        ("[[weather.chances]]\nprobability = 0.5", "fault"),
        ("weather.latency = {median = -1}", "weather.latency"),
        ("= 3", "line 1"),
        ("api_id = 'x'", "go together"),
        ("tls_cert = 'x'", "go together"),
    ):
        with pytest.raises(SettingsError) as wrong:
            read_text(EmulatorSettings, text)
        assert hint in str(wrong.value), text


def test_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=r"wrong\.toml"):
        read_file(EmulatorSettings, file)
    file.write_text("x = 1")
    with pytest.raises(SettingsError, match=r"wrong\.toml: x is not"):
        read_file(EmulatorSettings, file)


def test_flags_go_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "emulator.toml"
    file.write_text(WHOLE)
    given = {"engine": EngineName.CANNED, "allow_fetch": ["other"], "latency": 0.5, "fail_rate": 0.1}
    given |= {"fault": ["cut_body=0.05", "error_503/10"], "script": ["fair", "garbage"]}
    settings = lay_over(read_file(EmulatorSettings, file), given)
    assert (settings.engine, settings.api_id, settings.credits) == (EngineName.CANNED, "me", Decimal("12.3"))
    assert settings.allow_fetch == ("127.0.0.1", "*.example.com", "other")
    assert settings.weather.latency == Latency(0.5, 0.4)
    assert settings.weather.rate_limit == RateLimit(10, 20, 30, 3)
    assert settings.weather.script == (None, Fault(FaultKind.GARBAGE))
    assert settings.weather.seed == 4
    assert [str(chance.fault) for chance in settings.weather.chances] == [
        "cut_body",
        "error_503",
        "error_500",
        "error_503",
        "stall_in_body:5",
    ]


def test_no_flags_are_the_defaults() -> None:
    options = [option.name for option in options_of(EmulatorSettings)]
    assert {"engine", "latency_sigma", "fail_rate", "fault"} < set(options)
    assert lay_over(EmulatorSettings(), {}) == EmulatorSettings()
    assert lay_over(EmulatorSettings(), dict.fromkeys(options)) == EmulatorSettings()
    assert lay_over(EmulatorSettings(), {"fault": [], "script": [], "allow_fetch": []}) == EmulatorSettings()


def test_an_option_s_value_is_checked_like_a_file_s() -> None:
    for given in ({"api_id": "me"}, {"latency": -1.0}, {"fail_rate": 2.0}, {"script": [""]}, {"burst": 0}):
        with pytest.raises(ValueError, match=r"go together|latency|probability|no fault|burst"):
            lay_over(EmulatorSettings(), given)


def test_every_setting_can_be_named_in_a_file_and_is_checked_there() -> None:
    # A date is none of them. A type that the reader does not know would be another error.
    tables = {"": EmulatorSettings, "weather.": Weather, "price.": Price}
    tables |= {"weather.latency.": Latency, "weather.rate_limit.": RateLimit}
    names = [table + field.name for table, kind in tables.items() for field in fields(kind)]
    for name in names:
        with pytest.raises(SettingsError, match=rf"^{name} must be "):
            read_text(EmulatorSettings, f"{name} = 1979-05-27")


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("emulator.settings", {"aiohttp", "multipart", "PIL", "numpy", "onnxruntime"}),
        ("emulator.server", {"PIL", "numpy", "onnxruntime"}),
        ("cli.commands.run", {"multipart", "onnxruntime"}),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(module: str, unwanted: set[str]) -> None:
    code = f"import sys, pixian_batch.{module}; print(*({unwanted!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not run.stdout.split()


def test_chances_are_read() -> None:
    assert Chance.parse("cut_body=0.05") == Chance(Fault(FaultKind.CUT_BODY), probability=0.05)
    assert Chance.parse("redirect_other:http://h/x?a=b/10").every == 10
    for wrong in (
        "cut_body",
        "cut_body=",
        "cut_body=x",
        "cut=0.1",
        "cut_body/0",
        "cut_body=2",
        "cut_body/1.5",
    ):
        with pytest.raises(ValueError, match=r"neither|no fault|probability"):
            Chance.parse(wrong)
