"""Where results go: names are kept, URLs become safe places, and rivals for one place are found."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from pixian_batch.contract.params import OutputFormat
from pixian_batch.policy.naming import (
    all_folded,
    collisions,
    folded,
    is_master,
    master_place,
    output_names,
    output_place,
    tree_place,
    url_place,
)

if TYPE_CHECKING:
    import pytest

PNG, JPEG, DELTA = OutputFormat.PNG, OutputFormat.JPEG, OutputFormat.DELTA_PNG

# --- output_place --------------------------------------------------------------------------------


def test_only_the_suffix_changes(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str]] = [
        ("a.jpg", "a"),
        ("a.JPEG", "a"),
        ("a/b/c.tiff", "a/b/c"),
        ("noext", "noext"),
        ("dir.d/noext", "dir.d/noext"),
        (".hidden", ".hidden"),
        ("dir/.hidden", "dir/.hidden"),
        (".hidden.jpg", ".hidden"),
        ("a.b.c.jpg", "a.b.c"),
        ("a..jpg", "a."),
        ("archive.", "archive"),
        ("été/naïve ☃.png", "été/naïve ☃"),
        ("two\nlines.jpg", "two\nlines"),
        ("tab\t.jpg", "tab\t"),
        (" .jpg", " "),
        ("-rf.jpg", "-rf"),
        ("caf\udce9.jpg", "caf\udce9"),
        ("back\\slash.jpg", "back\\slash"),
        ("[red]x[/red].jpg", "[red]x[/red]"),
    ]
    for place, stem in cases:
        with subtests.test(place=place, stem=stem):
            assert output_place(place, PNG) == stem + ".png"
            assert output_place(place, JPEG) == stem + ".jpg"
            assert output_place(place, DELTA) == stem + ".delta.png"


_name = st.text(st.characters(exclude_characters="/\0"), min_size=1).filter(
    lambda name: name not in {".", ".."}
)


@given(st.lists(_name, min_size=1, max_size=4), st.sampled_from([PNG, JPEG, DELTA]))
def test_the_tree_is_mirrored(parts: list[str], output: OutputFormat) -> None:
    place = output_place("/".join(parts), output).split("/")
    assert place[:-1] == parts[:-1]
    suffix = {PNG: ".png", JPEG: ".jpg", DELTA: ".delta.png"}[output]
    assert place[-1].endswith(suffix)
    stem = place[-1][: -len(suffix)]
    assert stem
    assert parts[-1] == stem or (parts[-1].startswith(stem + ".") and "." not in parts[-1][len(stem) + 1 :])


# --- url_place -----------------------------------------------------------------------------------


def test_a_url_becomes_a_readable_place(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str]] = [
        ("https://example.com/a/b.jpg", "example.com/a/b.jpg"),
        ("https://Example.COM:8443/b.jpg", "example.com+8443/b.jpg"),
        ("https://user:secret@example.com/b.jpg", "example.com/b.jpg"),
        ("https://example.com", "example.com/image"),
        ("https://example.com/", "example.com/image"),
        ("https://example.com/a//b/./c/../d.png", "example.com/a/b/c/d.png"),
        ("https://example.com/%2e%2e/%2E%2E/etc/passwd", "example.com/_/_/etc/passwd"),
        ("https://example.com/..%2f..%2fetc", "example.com/_.._etc"),
        ("https://example.com/a%00b%0Ac%1B[31m.jpg", "example.com/a_b_c__31m.jpg"),
        ("https://example.com/C:%5CWindows%5Cx.jpg", "example.com/C__Windows_x.jpg"),
        ("https://example.com/con", "example.com/_con"),
        ("https://example.com/AUX.jpg", "example.com/_AUX.jpg"),
        ("https://example.com/com1.tar.gz", "example.com/_com1.tar.gz"),
        ("https://example.com/COM%C2%B9.jpg", "example.com/_COM¹.jpg"),
        ("https://example.com/nul%20.jpg", "example.com/_nul .jpg"),
        ("https://example.com/console.jpg", "example.com/console.jpg"),
        ("https://example.com/.htaccess", "example.com/htaccess"),
        ("https://example.com/trailing.%20.", "example.com/trailing"),
        ("https://example.com/caf%C3%A9.jpg", "example.com/café.jpg"),
        ("https://example.com/cafe%CC%81.jpg", "example.com/café.jpg"),
        ("https://example.com/%ff.jpg", "example.com/_.jpg"),
        ("https://[::1]:80/x.jpg", "__1+80/x.jpg"),
        ("https://example.com/x.jpg#part", "example.com/x.jpg"),
        ("https://example.com/x.jpg?", "example.com/x.jpg"),
    ]
    for url, place in cases:
        with subtests.test(url=url, place=place):
            assert url_place(url) == place


RESERVED = {"con", "prn", "aux", "nul"} | {
    f"{port}{nth}" for port in ("com", "lpt") for nth in "0123456789¹²³"
}


def _is_safe(place: str) -> None:
    assert not place.startswith(("/", "~"))
    for part in place.split("/"):
        assert part not in {"", ".", ".."}
        assert part.isprintable()
        assert not set(part) & set('\\:*?"<>|\0')
        assert part == part.strip(" ")
        assert not part.endswith(".")
        assert part.split(".")[0].strip(" ").lower() not in RESERVED
        # Room for the result's suffix, and for a spool file's own.
        assert len((part + ".delta.png").encode()) <= 255 - 30


_urlish = st.text() | st.builds(
    "{}://{}/{}{}{}".format,
    st.sampled_from(["http", "https"]),
    st.text(max_size=30)
    | st.sampled_from(["h", "h:80", "[::1", "h:99999", "h:x", "a℀b", "..", "u:p@h", "c:"]),
    st.text(max_size=20) | st.sampled_from(["../..", "a/../b", "%2e%2e/", "con", "nul.txt", "%5c%5c", "C:/"]),
    st.text(max_size=300) | st.integers(0, 400).map(lambda length: "é" * length + ".jpg"),
    st.just("") | st.text(max_size=10).map(lambda text: "?" + text),
)


@given(_urlish)
@example("http://[::1/x.jpg")
@example("http://h:99999/x.jpg")
@example("http://h/" + "a" * 119 + ". b.jpg")
@example("http://h/" + "😀" * 300 + ".jpg?q=1")
@example("http://h/a." + "s" * 400)
@example("http://h/?\ud800")
@example("http://" + "h" * 500)
@example("http://h/" + ("con." + "x" * 300))
def test_any_url_becomes_a_safe_place_and_always_the_same(url: str) -> None:
    place = url_place(url)
    _is_safe(place)
    assert url_place(url) == place
    _is_safe(output_place(place, PNG))


def test_long_names_stay_apart_and_keep_their_suffix() -> None:
    long = "https://example.com/" + "x" * 300
    places = [url_place(f"{long}{nth}.jpg") for nth in range(50)]
    assert len(set(places)) == 50
    assert all(re.fullmatch(r"example\.com/x+@[0-9a-f]{16}\.jpg", place) for place in places)
    assert output_place(places[0], PNG).endswith(".png")
    assert url_place(long + "." + "y" * 50) != url_place(long + "." + "y" * 51)


def test_a_name_that_is_just_short_enough_is_kept() -> None:
    assert url_place("https://h/" + "x" * 180) == "h/" + "x" * 180
    assert len(url_place("https://h/" + "x" * 181)) == len("h/") + 180


def test_queries_are_told_apart() -> None:
    urls = [f"https://example.com/image.php?id={nth}" for nth in range(20_000)]
    places = {url_place(url) for url in urls}
    assert len(places) == len(urls)
    assert all(re.fullmatch(r"example\.com/image@[0-9a-f]{16}\.php", place) for place in places)
    assert re.fullmatch(r"example\.com/image@[0-9a-f]{16}", url_place("https://example.com/?id=1"))


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="#\n\r\t", categories=["L", "N", "P"])),
    st.integers(),
)
def test_urls_that_differ_only_in_their_query_do_not_collide(query: str, number: int) -> None:
    one, other = f"https://h/a/b.jpg?{query}", f"https://h/a/b.jpg?{query}&{number}"
    assert collisions([(one, url_place(one)), (other, url_place(other))]) == {}


def test_the_same_place_for_two_urls_is_found_as_a_collision() -> None:
    urls = ["https://h/a.jpg", "http://h/a.jpg", "https://h/A.jpg", "https://h/b.jpg"]
    assert set(collisions((url, url_place(url)) for url in urls)) == set(urls[:3])


# --- folded and collisions -----------------------------------------------------------------------


def test_names_that_some_file_system_takes_for_one(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str]] = [
        ("a.png", "A.PNG"),
        ("Photo/a.png", "photo/A.png"),
        ("caf\u00e9.png", "cafe\u0301.png"),
        ("CAF\u00c9.png", "cafe\u0301.png"),
        ("stra\u00dfe.png", "STRASSE.png"),
        ("stra\u00dfe.png", "stra\u1e9ee.png"),
        ("\ufb01le.png", "FILE.png"),
        ("\u212aelvin.png", "kelvin.png"),
        ("\u03c3\u03c2.png", "\u03a3\u03a3.png"),
        ("\u017fide.png", "side.png"),
        ("\uac00.png", "\u1100\u1161.png"),
        (
            "\u1fb4.png",
            "\u03b1\u0345\u0301.png",
        ),  # the iota below folds to a letter: marks must be sorted first
        ("a\u0323\u0307.png", "a\u0307\u0323.png"),
    ]
    for one, other in cases:
        with subtests.test(one=one, other=other):
            assert folded(one) == folded(other)
            assert set(collisions([("in1", one), ("in2", other)])) == {"in1", "in2"}


def test_names_that_every_file_system_tells_apart(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str]] = [
        ("a.png", "b.png"),
        ("a.png", "a.jpg"),
        ("e.png", "\u00e9.png"),
        ("a/b.png", "ab.png"),
    ]
    for one, other in cases:
        with subtests.test(one=one, other=other):
            assert folded(one) != folded(other)
            assert collisions([("in1", one), ("in2", other)]) == {}


@given(st.text())
def test_unicode_form_never_matters(place: str) -> None:
    forms = {folded(unicodedata.normalize(form, place)) for form in ("NFC", "NFD")} | {folded(place)}
    assert len(forms) == 1
    assert folded(folded(place)) == folded(place)
    assert folded(place.casefold()) == folded(place)


@given(
    st.lists(st.sampled_from(["a.png", "A.png", "b.png", "\u00e9.png", "e\u0301.png", "c/d.png", "c/D.PNG"]))
)
def test_every_rival_is_named_and_nobody_else(places: list[str]) -> None:
    pairs = [(f"in{nth}", place) for nth, place in enumerate(places)]
    key = {"A.png": "a.png", "e\u0301.png": "\u00e9.png", "c/D.PNG": "c/d.png"}
    expected = {}
    for source, place in pairs:
        rivals = [other for other, theirs in pairs if key.get(theirs, theirs) == key.get(place, place)]
        if len(rivals) > 1:
            expected[source] = rivals
    assert collisions(iter(pairs)) == expected


def test_a_jpg_and_a_png_both_want_one_png() -> None:
    pairs = [(name, output_place(name, PNG)) for name in ("a.jpg", "a.png", "b.jpg")]
    assert collisions(pairs) == {"a.jpg": ["a.jpg", "a.png"], "a.png": ["a.jpg", "a.png"]}


def test_a_result_that_would_stand_where_a_folder_of_results_must_be() -> None:
    names = ["x/a.jpg", "x/A.png/inner/b.jpg", "x/A.png/c.jpg", "x/ab.jpg"]
    rivals = collisions((name, output_place(name, PNG)) for name in names)
    assert set(rivals) == {"x/a.jpg"}
    assert rivals["x/a.jpg"] == ["x/a.jpg", "x/A.png/inner/b.jpg"]


_file_names = st.text(alphabet=st.characters(exclude_characters="/\0", exclude_categories=())).filter(bool)


@given(st.lists(st.one_of(_file_names, st.sampled_from([".jpg", "a", "a.", "..jpg", "A.JPG", "\udce9.jpg"]))))
def test_many_names_at_once_are_as_each_by_itself(names: list[str]) -> None:
    assert output_names(names, PNG) == [output_place(name, PNG) for name in names]
    assert all_folded(names) == [folded(name) for name in names]


def test_each_master_has_a_place_of_its_own_that_any_file_system_takes() -> None:
    places = [
        master_place(place, digest, params)
        for place in ("a.png", "shoes/a.png", "shoes/a.jpg", "shoes/" + "ü" * 120 + ".png", "b/\udcff.png")
        for digest in (b"1" * 32, b"2" * 32)
        for params in ("", "max_pixels=100")
    ]
    assert len(set(places)) == len(places) - 4  # a.png and a.jpg are drawn from the same one
    for place in places:
        assert is_master(place)
        assert place.endswith(".png")
        assert len(os.fsencode(place.rpartition("/")[2])) < 255 - len(".pixian-.part")
    assert tree_place(master_place("shoes/a.png", b"", "")).startswith("shoes/a-")
    assert not is_master("shoes/.pixian-batch/masters/a.png")
