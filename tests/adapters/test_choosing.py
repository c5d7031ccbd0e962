"""What a walk has found, chosen by date, size, number and order: the same ones each time, and nothing twice."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pictures import put

from pixian_batch.adapters.walking import Batch, FoundUrl, Trouble, size_of
from pixian_batch.adapters.walking.lists import ListError
from pixian_batch.pipeline.inputs import Inputs
from pixian_batch.policy.left_out import LeftOut, Reason
from pixian_batch.policy.selection import Order, Selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pixian_batch.adapters.walking import Walked

HOUR = 3600.0


def results(names: Sequence[str]) -> list[str]:
    return [f"{name}.result" for name in names]


def add(path: Path, *, size: int = 1, age: float = 0.0) -> None:
    """A file of so many bytes, changed so many hours before the second millennium's end."""
    put(path, b"x" * size)
    os.utime(path, (1_000_000_000 - age * HOUR,) * 2)


def walk(inputs: Inputs, out: str = "nowhere", **options: Any) -> tuple[list[Walked], LeftOut]:
    left_out = LeftOut()
    found = list(inputs.walk(out=out, result_names=results, left_out=left_out, **options))
    for item in found:
        if isinstance(item, Batch):
            assert item.results == results(item.names), "a result belongs to its name"
    return found, left_out


def paths(found: Sequence[Walked], root: Path) -> list[str]:
    """All files in the order of the walk, URLs too."""
    return list(_paths(found, root))


def _paths(found: Sequence[Walked], root: Path) -> Iterator[str]:
    for item in found:
        match item:
            case Batch():
                yield from (os.path.relpath(item.path(name), root) for name in item.names)
            case FoundUrl(url):
                yield url
            case Trouble(path):
                yield f"trouble: {path}"


def choice(root: Path, **selection: Any) -> tuple[list[str], dict[str, int]]:
    found, left_out = walk(Inputs((str(root),), selection=Selection(**selection)))
    return paths(found, root), {reason.value: count for reason, count in left_out.not_chosen.items() if count}


def test_dates_and_sizes_choose_and_the_rest_is_counted_once(tmp_path: Path) -> None:
    add(tmp_path / "new.jpg", size=50)
    add(tmp_path / "old.jpg", size=1, age=48)  # too small, too: counted once
    add(tmp_path / "a" / "edge.jpg", size=10, age=24)
    add(tmp_path / "a" / "small.jpg", size=9)
    add(tmp_path / "a" / "large.jpg", size=101)
    add(tmp_path / "a" / "full.jpg", size=100)
    chosen, left = choice(tmp_path, newer_than=1e9 - 24 * HOUR, min_size=10, max_size=100)
    assert chosen == ["new.jpg", "a/edge.jpg", "a/full.jpg"]
    assert left == {"older": 1, "smaller": 1, "larger": 1}


def test_newest_and_smallest_come_first_across_folders(tmp_path: Path) -> None:
    for number, name in enumerate(("b/1.jpg", "a/2.jpg", "b/3.jpg", "4.jpg", "a/5.jpg")):
        add(tmp_path / name, size=number * 7 % 5 + 1, age=number * 3 % 5)
    newest = choice(tmp_path, order=Order.NEWEST)[0]
    assert [os.stat(tmp_path / name).st_mtime for name in newest] == sorted(
        (os.stat(tmp_path / name).st_mtime for name in newest), reverse=True
    )
    smallest = choice(tmp_path, order=Order.SMALLEST)[0]
    assert [os.stat(tmp_path / name).st_size for name in smallest] == [1, 2, 3, 4, 5]
    assert sorted(newest) == sorted(smallest) == sorted(choice(tmp_path)[0])


def test_those_that_are_equal_stay_as_the_walk_found_them(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.jpg", "z/1.jpg", "y/10.jpg", "y/9.jpg"):
        add(tmp_path / name)
    assert choice(tmp_path, order=Order.NEWEST)[0] == choice(tmp_path)[0]


def test_a_sample_is_spread_over_the_folders_and_always_the_same(tmp_path: Path) -> None:
    counts = {"a": 40, "b": 3, "c": 1, "d/e": 20}
    for folder, count in counts.items():
        for number in range(count):
            add(tmp_path / folder / f"{number}.jpg")
    first, left = choice(tmp_path, sample=12)
    assert left == {"not_sampled": 64 - 12}
    assert len(set(first)) == 12
    by_folder = {folder: sum(name.startswith(f"{folder}/") for name in first) for folder in counts}
    assert by_folder == {"a": 4, "b": 3, "c": 1, "d/e": 4}
    assert choice(tmp_path, sample=12)[0] == first
    # A larger one has the smaller one in it, so growing a sample wastes nothing.
    for few, many in pairwise((1, 2, 4, 5, 12, 30, 64)):
        assert set(choice(tmp_path, sample=few)[0]) < set(choice(tmp_path, sample=many)[0])
    assert choice(tmp_path, sample=1000) == (choice(tmp_path)[0], {})


def test_a_sample_does_not_depend_on_where_the_tree_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in ("here", "there"):
        for number in range(30):
            add(tmp_path / where / f"{number % 4}" / f"{number}.jpg")
    monkeypatch.chdir(tmp_path)
    samples = {
        tuple(paths(walk(Inputs((root,), selection=Selection(sample=7)))[0], tmp_path / root))
        for root in ("here", "there", "./here")
    }
    assert len(samples) == 1


def test_a_sample_counts_a_photo_that_is_named_twice_once(tmp_path: Path) -> None:
    for number in range(4):
        add(tmp_path / f"{number}.jpg")
    twice = (str(tmp_path), str(tmp_path / "1.jpg"), os.path.join(tmp_path, "."))
    found, _ = walk(Inputs(twice, selection=Selection(sample=4)))
    assert sorted(paths(found, tmp_path)) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]


def test_urls_have_no_date_and_no_size(tmp_path: Path) -> None:
    add(tmp_path / "a.jpg")
    inputs = ("https://example.com/x.jpg", str(tmp_path), "https://example.com/y.jpg")
    found, left_out = walk(Inputs(inputs, selection=Selection(max_size=5)))
    assert paths(found, tmp_path) == ["a.jpg"]
    assert left_out.not_chosen == {Reason.URL: 2}
    found, left_out = walk(Inputs(inputs, selection=Selection(order=Order.NEWEST)))
    assert paths(found, tmp_path) == ["a.jpg", inputs[0], inputs[2]]
    assert not left_out.not_chosen.total()
    found, left_out = walk(Inputs(inputs, selection=Selection(sample=2)))
    assert (sum(map(size_of, found)), left_out.not_chosen) == (2, {Reason.NOT_SAMPLED: 1})


def test_lists_globs_and_patterns_are_chosen_from_too(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/2.png", "b/3.jpg", "4.jpg"):
        add(tmp_path / "in" / name, size=int(name[-5]))
    listed = tmp_path / "list"
    listed.write_text(f"{tmp_path}/in/a\n{tmp_path}/in/4.jpg\n{tmp_path}/gone.jpg\n")
    wanted = Selection(max_size=3, order=Order.SMALLEST)
    found, left_out = walk(Inputs((), listed=str(listed), selection=wanted))
    assert paths(found, tmp_path / "in") == [f"trouble: {tmp_path}/gone.jpg", "a/1.jpg", "a/2.png"]
    assert left_out.not_chosen == {Reason.LARGER: 1}
    globbed = Inputs((f"{tmp_path}/in/[ab]",), include=("*.jpg",), selection=Selection(min_size=2))
    assert paths(walk(globbed)[0], tmp_path / "in") == ["b/3.jpg"]


def test_a_name_keeps_its_rivals_whatever_is_chosen(tmp_path: Path) -> None:
    """Else the photo that is left out today would lose its result to its neighbour."""
    add(tmp_path / "a.jpg", age=48)
    add(tmp_path / "a.jpg.png")
    names = lambda given: [f"{name.split('.')[0]}.png" for name in given]  # noqa: E731  # both become a.png
    for selection in (Selection(newer_than=1e9 - HOUR), Selection(sample=1), Selection(order=Order.NEWEST)):
        walked = Inputs((str(tmp_path),), selection=selection).walk(out="nowhere", result_names=names)
        for batch in walked:
            assert isinstance(batch, Batch)
            assert set(batch.rivals) == {"a.jpg", "a.jpg.png"}


def test_names_that_are_no_text_come_back_as_they_were(tmp_path: Path) -> None:
    name = b"caf\xe9 \n.jpg".decode("utf-8", "surrogateescape")
    try:
        add(tmp_path / name)
    except (OSError, UnicodeError):
        pytest.skip("this disk has no such names")
    assert choice(tmp_path, order=Order.NEWEST, sample=1) == ([name], {})


def test_a_file_that_is_gone_when_it_is_looked_at_is_told_by_the_run(tmp_path: Path) -> None:
    os.symlink(tmp_path / "nothing", tmp_path / "broken.jpg")
    found, left_out = walk(Inputs((str(tmp_path / "broken.jpg"),), selection=Selection(max_size=5)))
    assert [item.code for item in found if isinstance(item, Trouble)] == ["not_a_file"]
    assert not left_out.not_chosen.total()


def test_counting_gives_the_same_numbers_without_an_order(tmp_path: Path) -> None:
    for number in range(23):
        add(tmp_path / f"{number % 3}" / f"{number}.jpg", size=number)
    for selection in (
        Selection(sample=5),
        Selection(sample=50),
        Selection(order=Order.SMALLEST, min_size=4),
        Selection(sample=4, max_size=10),
    ):
        inputs, counted = Inputs((str(tmp_path),), selection=selection), LeftOut()
        number = sum(map(size_of, inputs.walk(out="nowhere", result_names=None, left_out=counted)))
        found, left_out = walk(inputs)
        assert number == sum(map(size_of, found))
        assert +counted.not_chosen == +left_out.not_chosen


def test_a_run_that_stops_does_not_wait_for_the_whole_listing(tmp_path: Path) -> None:
    for number in range(9):
        add(tmp_path / f"{number}" / "a.jpg")
    asked = iter([True, True, False])
    found, _ = walk(
        Inputs((str(tmp_path),), selection=Selection(order=Order.NEWEST)), go_on=lambda: next(asked)
    )
    assert found == []


def test_without_a_temporary_folder_all_stays_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tmp_path / "a.jpg")

    def gone() -> str:
        raise FileNotFoundError

    monkeypatch.setattr("tempfile.gettempdir", gone)
    assert choice(tmp_path, order=Order.NEWEST)[0] == ["a.jpg"]


def test_a_full_temporary_folder_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pixian_batch.adapters.walking import listing

    add(tmp_path / "a.jpg")
    monkeypatch.setattr(
        listing, "_SCHEMA", "PRAGMA page_size = 512; PRAGMA max_page_count = 1; " + listing._SCHEMA
    )  # as small as a full disk
    with pytest.raises(ListError) as caught:
        choice(tmp_path, order=Order.NEWEST)
    assert "put in order" in str(caught.value.strerror)
    assert "TMPDIR" in caught.value.hint


FILES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.integers(0, 6), st.integers(0, 6)),
    unique_by=lambda file: file[:2],
    max_size=25,
)


@given(
    FILES,
    st.none() | st.integers(1, 8),
    st.sampled_from(Order),
    st.none() | st.integers(0, 6),
    st.none() | st.integers(0, 6),
)
def test_every_photo_is_chosen_once_or_counted_once(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[str, int, int, int]],
    sample: int | None,
    order: Order,
    least: int | None,
    age: int | None,
) -> None:
    root = tmp_path_factory.mktemp("any")
    for folder, name, size, old in files:
        add(root / folder / f"{name}.jpg", size=size, age=old)
    since = None if age is None else 1e9 - age * HOUR
    selection = Selection(sample=sample, order=order, min_size=least, newer_than=since)
    found, left_out = walk(Inputs((str(root),), selection=selection))
    chosen = paths(found, root)
    fit = {
        f"{folder}/{name}.jpg"
        for folder, name, size, old in files
        if size >= (least or 0) and (age is None or old <= age)
    }
    assert len(chosen) == len(set(chosen)) == min(len(fit), sample if sample is not None else len(fit))
    assert set(chosen) <= fit
    assert len(chosen) + left_out.not_chosen.total() == len(files)
