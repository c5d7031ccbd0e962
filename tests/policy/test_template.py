"""A template gives places under the output folder only, and recognises again whatever it has given."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixian_batch.contract.params import OutputFormat
from pixian_batch.policy.naming import is_reserved
from pixian_batch.policy.template import (
    FIELDS,
    NameFacts,
    TemplateError,
    facts_of,
    key_of,
    numbered,
    read_template,
)

PNG = OutputFormat.PNG
DAY = (2024, 5, 31, 7, 8, 9)
FULL = NameFacts("shoes/red", "IMG_1", "JPG", counter=12, date=DAY, digest="0123456789abcdef" * 4)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{stem}-cut.{ext}", "shoes/red/IMG_1-cut.png"),
        ("{folder}/{stem}.{ext}", "shoes/red/IMG_1.png"),
        ("all/{folder}/{stem}.{ext}", "all/shoes/red/IMG_1.png"),
        ("{stem}.{suffix}.{ext}", "shoes/red/IMG_1.JPG.png"),
        ("{counter}.{ext}", "shoes/red/0012.png"),
        ("{counter:02}-{counter:1}.{ext}", "shoes/red/12-12.png"),
        ("{counter:6}.{ext}", "shoes/red/000012.png"),
        ("{date}.{ext}", "shoes/red/2024-05-31.png"),
        ("{date:%Y/%m}/{date:%d-%H%M%S}.{ext}", "shoes/red/2024/05/31-070809.png"),
        ("{hash}.{ext}", "shoes/red/01234567.png"),
        ("{hash:16}.png", "shoes/red/0123456789abcdef.png"),
        ("{{{stem}}}.{ext}", "shoes/red/{IMG_1}.png"),
    ],
)
def test_every_field(text: str, place: str) -> None:
    template = read_template(text, PNG)
    assert template.place(FULL) == place
    for unknown in (FULL, replace(FULL, counter=None), replace(FULL, counter=None, date=None)):
        shape = template.shape(unknown)
        assert shape.fits(place)
        assert shape.fits(numbered(place, 12, template.tail))
        assert {key_of(place), key_of(numbered(place, 12, template.tail))} == set(shape.key_pair())
        assert not shape.fits(place.replace("shoes", "bags"))
        assert not shape.fits(numbered(place, 1, template.tail)), (
            "there is no first of one name with a number"
        )


def test_a_place_of_other_values_is_recognised_only_where_they_are_open() -> None:
    template = read_template("{date}-{counter}-{stem}.{ext}", PNG)
    other = "shoes/red/1999-01-02-0001-IMG_1.png"
    assert template.shape(replace(FULL, counter=None, date=None)).fits(other)
    assert not template.shape(replace(FULL, counter=None)).fits(other)
    assert not template.shape(FULL).fits(other)


def test_in_one_folder_the_folders_name_is_part_of_the_files() -> None:
    template = read_template("{folder}-{stem}.{ext}", PNG, flat=True)
    assert template.place(FULL) == "shoes-red-IMG_1.png"
    assert template.place(facts_of("IMG_1.JPG")) == "IMG_1.png"
    assert read_template("{stem}.{ext}", PNG, flat=True).place(FULL) == "IMG_1.png"


def test_a_delta_and_a_jpeg_are_named_as_such() -> None:
    assert read_template("{stem}.{ext}", OutputFormat.DELTA_PNG).place(FULL).endswith("IMG_1.delta.png")
    assert read_template("{stem}.jpeg", OutputFormat.JPEG).place(FULL).endswith("IMG_1.jpeg")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{bogus}.{ext}", "{bogus} is no field; there are {folder}, {stem}"),
        ("{}.{ext}", "{} is no field"),
        ("{stem.x}.{ext}", "is no field"),
        ("{stem!r}.{ext}", "is no field"),
        ("{stem", "no other half"),
        ("stem}.{ext}", "no other half"),
        ("../{stem}.{ext}", "leave .. out"),
        ("{folder}/../{stem}.{ext}", "leave .. out"),
        ("./{stem}.{ext}", "leave . out"),
        ("/{stem}.{ext}", "not with /"),
        ("C:{stem}.{ext}", "':' cannot be"),
        ("a\\{stem}.{ext}", "cannot be"),
        ("a\0{stem}.{ext}", "cannot be"),
        ("{date:%H:%M}.{ext}", "':' cannot be"),
        ("{date:%j}.{ext}", "%Y %m %d"),
        ("{date:today}.{ext}", "%Y %m %d"),
        ("{date:%}.{ext}", "%Y %m %d"),
        ("{stem}", "end the template with .{ext}"),
        ("", "end the template with .{ext}"),
        ("{stem}.jpg", "the results are png"),
        ("{stem}{ext}", "end the template with .{ext}"),
        (".{ext}", "an empty name"),
        ("a//{stem}.{ext}", "an empty name"),
        ("con.{ext}", "reserved"),
        ("com{counter:1}.{ext}", "reserved"),
        (".pixian-batch/{stem}.{ext}", "reserved"),
        (".pixian-{stem}.{ext}", "reserved"),
        ("a /{stem}.{ext}", "a blank"),
        ("a./{stem}.{ext}", "a dot"),
        ("{counter}/{stem}.{ext}", "a folder"),
        ("{counter:x}.{ext}", "number of digits"),
        ("{counter:10}.{ext}", "number of digits"),
        ("{hash:3}.{ext}", "4 to 64"),
        ("{hash:65}.{ext}", "4 to 64"),
        ("{stem:5}.{ext}", "nothing after a colon"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(why)):
        read_template(text, PNG)


@pytest.mark.parametrize("text", ["a/{stem}.{ext}", "{date:%Y/%m}-{stem}.{ext}"])
def test_one_folder_has_no_folders(text: str) -> None:
    with pytest.raises(TemplateError, match="--flat"):
        read_template(text, PNG, flat=True)


def test_a_value_that_is_not_known_is_not_made_up() -> None:
    for field in ("counter", "date", "hash"):
        with pytest.raises(ValueError, match="not known"):
            read_template(f"{{{field}}}.{{ext}}", PNG).place(facts_of("a.jpg"))


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=80)
parts = st.one_of(
    st.sampled_from([f"{{{name}}}" for name in FIELDS]),
    st.sampled_from(
        ["{counter:02}", "{date:%Y/%m}", "{hash:12}", "/", "-", "..", ".", " ", "a", "con", "{{"]
    ),
)


@given(
    st.lists(parts, max_size=6),
    st.lists(names, max_size=3),
    names,
    st.integers(0, 10**6),
    st.lists(st.booleans(), min_size=1, max_size=1),
)
def test_a_template_never_leads_out_and_knows_its_places_again(
    words: list[str], folders: list[str], name: str, counter: int, one: list[bool]
) -> None:
    [flat] = one
    try:
        template = read_template("".join(words) + ".{ext}", PNG, flat=flat)
    except TemplateError:
        return
    folders = [folder for folder in folders if folder not in {".", ".."}]
    if name in {".", ".."}:
        return
    facts = replace(facts_of("/".join([*folders, name])), counter=counter, date=DAY, digest=FULL.digest)
    place = template.place(facts)
    made = [part for part in place.split("/") if part not in folders]
    assert made or not template.flat
    for part in made:
        assert part
        assert part not in {".", ".."}
        assert not is_reserved(part)
        assert not part.lower().startswith(".pixian")
    assert not PurePosixPath(place).is_absolute()
    assert not PureWindowsPath(place.replace("\\", "_").replace(":", "_")).is_absolute()
    assert ".." not in place.split("/")
    assert place.endswith(".png")
    assert not flat or "/" not in place
    for unknown in (facts, replace(facts, counter=None), replace(facts, counter=None, date=None)):
        shape = template.shape(unknown)
        for found in (place, numbered(place, 7, template.tail)):
            assert shape.fits(found)
            assert key_of(found) in shape.key_pair()


@given(st.text(max_size=30))
def test_whatever_is_written_is_a_template_or_a_sentence(text: str) -> None:
    with contextlib.suppress(TemplateError):
        assert read_template(text, PNG).parts


def test_the_counter_is_found_in_the_names_that_it_gave() -> None:
    for text in (
        "{counter}.{ext}",
        "{stem}{counter}.{ext}",
        "x/{date}-{counter}-{stem}.{ext}",
        "{counter}-{counter}.{ext}",
    ):
        template = read_template(text, PNG)
        for number in (1, 9999, 10000, 123456):
            name = template.place(replace(FULL, stem="cat", counter=number)).rpartition("/")[2]
            match = template.counted().fullmatch(name)
            assert match is not None
            assert int(match[1]) == number
