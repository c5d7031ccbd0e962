"""What is said of inputs that were left out: once, in numbers, with what to do."""

from __future__ import annotations

from collections import Counter

from pixian_batch.policy.left_out import LeftOut


def test_nothing_is_said_of_nothing() -> None:
    assert list(LeftOut().sentences()) == []


def test_systems_are_counted_with_the_option_that_takes_them() -> None:
    [(text, hint)] = LeftOut(4, 1023).sentences()
    assert text == "4 folders and 1,023 files of operating systems were left out"
    assert hint == "--include-system takes them"
    assert [text for text, _hint in LeftOut(1).sentences()] == ["1 folder of operating systems was left out"]
    assert [text for text, _hint in LeftOut(0, 2).sentences()] == [
        "2 files of operating systems were left out"
    ]


def test_kinds_that_are_not_taken_are_counted_by_suffix() -> None:
    [(text, hint)] = LeftOut(suffixes=Counter({".cr2": 3, ".heic": 12})).sentences()
    assert text == "12 .heic and 3 .cr2 were left out: the service does not take them"
    assert hint == "--convert takes .heic; develop raw files to TIFF, PNG or JPEG first"
    [(_text, hint)] = LeftOut(suffixes=Counter({".psd": 2, ".heic": 1, ".webp": 9})).sentences()
    assert hint == "--convert takes .heic and .webp; convert the others to PNG or JPEG first"
    [(_text, hint)] = LeftOut(suffixes=Counter({".psd": 2})).sentences()
    assert hint == "convert them to PNG or JPEG first", "with --convert, or where it would not help"
    [(text, _)] = LeftOut(suffixes=Counter({".webp": 1})).sentences()
    assert text == "1 .webp was left out: the service does not take it"
    many = Counter({f".{number}": number for number in range(1, 9)})
    [(text, _)] = LeftOut(suffixes=many).sentences()
    assert text.startswith("8 .8, 7 .7, 6 .6, 5 .5, 4 .4 and 6 of other kinds were")


def test_a_copy_stays_as_it_was() -> None:
    live = LeftOut(1, 2, Counter({".heic": 1}))
    copied = live.copy()
    live.folders, live.files = 9, 9
    live.suffixes[".heic"] += 1
    assert copied == LeftOut(1, 2, Counter({".heic": 1}))


def test_other_files_are_counted_by_a_bounded_number_of_suffixes() -> None:
    live = LeftOut()
    for suffix in (".txt", ".txt", ".mp4", "", ".a-very-long-suffix"):
        live.add_other(suffix)
    assert live.others == {".txt": 2, ".mp4": 1, "": 2}
    [(text, hint)] = live.sentences()
    assert (text, hint) == ("2 .txt, 1 .mp4 and 2 of other kinds were left out: they are no photos", "")
    [(text, _)] = LeftOut(others=Counter({"": 1})).sentences()
    assert text == "1 other file was left out: it is no photo"
    for number in range(2000):
        live.add_other(f".{number}")
    assert len(live.others) == 500
    assert live.others.total() == 2005
