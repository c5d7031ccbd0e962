"""`check`: what people, programs and CI servers are told, and the exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET  # what is read here, was written here
from typing import TYPE_CHECKING, Any

import pytest
from support.commands import PATIENCE, environment, here
from support.pictures import put
from support.schema import violation
from support.shop_pictures import product, put_picture

if TYPE_CHECKING:
    from pathlib import Path

    from support.commands import Result

NASTY = "[bold]a\x1b[31m\n<b>\udcff.jpg"
AMAZON = ("--profile", "amazon-main")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two that comply, though they might be larger, and one that does not, in a folder below."""
    folder = tmp_path / "shop"
    put_picture(folder / "good.jpg", product((500, 500)), quality=90)
    put_picture(folder / "square.png", product((500, 500)))
    put_picture(folder / "bags" / "grey.jpg", product((500, 500), ground=(246, 246, 246)), quality=90)
    return folder


def records(result: Result) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert [violation(line) for line in lines] == [""] * len(lines)
    return lines


def test_people_are_told_what_is_wrong_by_how_much_and_what_to_do(shop: Path) -> None:
    result = here("check", str(shop), *AMAZON)
    assert (result.code, result.err) == (13, "")
    lines = result.out.splitlines()
    lines = lines[next(number for number, line in enumerate(lines) if "grey.jpg" in line) :]
    assert lines[0].startswith(f"does not comply  {shop}/bags/grey.jpg  jpeg, 500 x 500 px, ")
    assert re.match(
        r"    error   background +100 % of the ground is off, at worst #F6F6F6 \(9 of 255\) at 0, 0", lines[1]
    )
    assert "demanded: #FFFFFF" in lines[1]
    assert lines[2].strip() == "render --recipe amazon-main"
    assert "amazon-main: 3 files checked, 1 does not comply, 2 with advice" in lines
    own = put(shop.parent / "mine.toml", b"[profile.mine.error]\nmin_width = 1\n")
    assert "good.jpg" not in here("check", str(shop), "--profile", own).out
    assert "good.jpg" in here("check", str(shop), "--profile", own, "--verbose").out


def test_what_complies_ends_well_and_quiet_says_nothing(shop: Path) -> None:
    good = here("check", str(shop / "good.jpg"), *AMAZON)
    assert good.code == 0
    assert "amazon-main: 1 file checked, 0 do not comply, 1 with advice\n" in good.out
    assert here("check", str(shop), *AMAZON, "--quiet") == here("check", str(shop), *AMAZON, "-q")
    assert here("check", str(shop), *AMAZON, "--quiet").out == ""
    assert here("check", str(shop), *AMAZON, "--quiet").code == 13
    assert here("check", str(shop), *AMAZON, "--exclude", "bags").code == 0
    assert here("check", str(shop / "*.jpg"), *AMAZON).code == 0


def test_programs_get_a_record_a_file_and_a_summary_at_last(shop: Path) -> None:
    result = here("check", str(shop), *AMAZON, "--json")
    *files, summary = records(result)
    assert [(record["type"], record["complies"]) for record in files] == [
        ("check", True),
        ("check", True),
        ("check", False),
    ]
    bad = next(record for record in files if not record["complies"])
    assert bad["image"] == {
        "format": "jpeg",
        "width": 500,
        "height": 500,
        "bytes": os.path.getsize(shop / "bags" / "grey.jpg"),
        "colors": "srgb",
        "color_profile": None,
        "pictures": 1,
        "transparent": 0,
    }
    broken, advised = bad["broken"]
    assert (advised["rule"], advised["severity"]) == ("min_longer_side", "warning")
    assert (broken["rule"], broken["severity"], broken["value"]) == ("background", "error", 1.0)
    assert broken["at"] == {"x": 0, "y": 0}
    assert (summary["type"], summary["whole"], summary["exit_code"]) == ("check_summary", True, 13)
    (profile,) = summary["profiles"]
    assert (profile["files"], profile["advised"], profile["breaks"], profile["failing"]) == (3, 2, 1, 1)


def test_a_file_is_checked_by_several_profiles(shop: Path) -> None:
    result = here("check", str(shop / "good.jpg"), *AMAZON, "--profile", "ebay", "--json")
    first, second, summary = records(result)
    assert (first["profile"], second["profile"], result.code) == ("amazon-main", "ebay", 0)
    assert second["status"] == "advised"  # 1,600 pixels are better
    assert [profile["profile"] for profile in summary["profiles"]] == ["amazon-main", "ebay"]
    assert here("check", str(shop / "good.jpg"), "--profile", "ebay", "--strict").code == 13


def test_own_profiles(shop: Path, tmp_path: Path) -> None:
    mine = put(tmp_path / "mine.toml", b'[profile.mine.error]\nbackground = "#F6F6F6"\n')
    result = here("check", str(shop), "--profile", mine, "--json")
    assert [record["file"] for record in records(result)[:-1] if record["complies"]] == [
        str(shop / "bags" / "grey.jpg")
    ]


def test_a_ci_server_gets_junit(shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "check.xml"
    assert here("check", str(shop), *AMAZON, "--junit", str(target), "--quiet").code == 13
    root = ET.parse(target).getroot()  # noqa: S314  # our own
    assert (root.attrib["failures"], root.attrib["errors"]) == ("1", "0")
    assert here("check", str(shop / "good.jpg"), *AMAZON, "--junit", str(target), "--quiet").code == 0
    assert ET.parse(target).getroot().attrib["failures"] == "0"  # noqa: S314  # our own
    assert sorted(os.listdir(tmp_path)) == ["check.xml", "shop"]


def test_unreadable_files_are_named_and_do_not_comply(shop: Path) -> None:
    put(shop / "broken.jpg", b"\xff\xd8\xff no more")
    result = here("check", str(shop), "--profile", "ebay", "--json")
    (broken,) = [record for record in records(result) if record.get("status") == "unreadable"]
    assert (result.code, broken["complies"], broken["image"]) == (13, False, None)
    assert broken["error"]["message"]
    assert broken["error"]["hint"]
    assert "cannot be checked" in here("check", str(shop), "--profile", "ebay").out


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not allow such names")
def test_hostile_names_reach_no_terminal_and_no_markup(tmp_path: Path) -> None:
    picture = put_picture(tmp_path / "x.jpg", product((100, 100)))
    folder = tmp_path / "shop"
    folder.mkdir()
    os.rename(picture, folder / NASTY)
    result = here("check", str(folder), "--profile", "ebay", "--junit", str(tmp_path / "x.xml"))
    assert "\x1b" not in result.out
    assert "[bold]a\\x1b[31m\\x0a<b>\\xff.jpg" in result.out
    ET.parse(tmp_path / "x.xml")  # noqa: S314  # our own
    record = records(here("check", str(folder), "--profile", "ebay", "--json"))[0]
    assert "\udcff" not in record["file"]
    assert record["file_bytes"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["shop"], "say what to check against: --profile NAME"),
        (["shop", "--profile", "amazn-main"], "did you mean amazon-main?"),
        (["shop", "--profile", "gone.toml"], "cannot be read"),
        (["nowhere", *AMAZON], "there is no such file or folder"),
        ([*AMAZON], "name what to check"),
        (["https://example.com/a.jpg", *AMAZON], "only files can be checked"),
        (["empty", *AMAZON], "no image was found there"),
        (["shop", *AMAZON, "--junit", "no/folder/x.xml"], "its folder is not there"),
        (["shop", *AMAZON, "--junit", "shop/good.jpg"], "is no .xml"),
        (["shop", *AMAZON, "--jobs", "0"], "--jobs"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_checked(
    words: list[str], message: str, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.parent)
    os.mkdir("empty")
    result = here("check", *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_the_profiles_are_listed_with_their_numbers_and_sources() -> None:
    result = here("check", "--list")
    assert result.code == 0
    assert "  error   min_fill          at least 85 %\n" in result.out
    assert "https://www.ebay.com/help/policies" in result.out
    assert ", read 20" in result.out
    (one,) = records(here("check", "--list", *AMAZON, "--json"))
    assert one["error"]["min_longer_side"] == "at least 500 px"
    assert one["checked"].startswith("20")


def test_its_profile_is_not_the_configuration_s(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXIAN_BATCH_PROFILE", "no-such-profile")
    assert here("check", str(shop / "good.jpg"), *AMAZON).code == 0
    monkeypatch.setenv("PIXIAN_BATCH_CHECK_PROFILE", "amazon-main")
    assert here("check", str(shop / "good.jpg")).code == 0
    assert "configuration files" not in here("check", "--help").out


def test_nothing_is_written(shop: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in shop.rglob("*")}
    here("check", str(shop), *AMAZON)
    assert {path: path.stat().st_mtime_ns for path in shop.rglob("*")} == before


@pytest.mark.slow
def test_processes_see_what_one_sees_and_ctrl_c_ends_all_of_them(shop: Path) -> None:
    for number in range(40):
        put_picture(shop / f"{number:02}.jpg", product((300, 300), fill=0.5 + number / 100), quality=90)
    alone = here("check", str(shop), *AMAZON, "--json", "--jobs", "1")
    assert here("check", str(shop), *AMAZON, "--json", "--jobs", "2") == alone
    words = [
        sys.executable,
        "-m",
        "pixian_batch",
        "check",
        *[str(shop)] * 200,
        *AMAZON,
        "--json",
        "--jobs",
        "2",
    ]
    with subprocess.Popen(
        words, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert first
    assert (process.returncode, err) == (130, "")
    last = json.loads(out.splitlines()[-1])
    assert (last["type"], last["whole"], last["exit_code"]) == ("check_summary", False, 130)
