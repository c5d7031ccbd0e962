"""Walking: what is found, in which order, what is left alone, and that nothing odd ends the walk."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
from support.walks import places, posix, tree, troubles, walk

from pixian_batch.adapters.walking import BATCH, Batch, FoundUrl, Trouble, Walker, WalkRules

if TYPE_CHECKING:
    from pathlib import Path

# --- folders --------------------------------------------------------------------------------------


def test_every_suffix_in_any_case_is_an_input_and_nothing_else(tmp_path: Path) -> None:
    wanted = {
        f"a.{s}" for s in ("bmp", "dib", "gif", "jpg", "jpeg", "jpe", "jif", "jfif", "png", "tif", "tiff")
    }
    wanted |= {"B.JPG", "B.TiFf", "b.Png", "two.dots.jpeg"}
    tree(tmp_path, *wanted, "x.webp", "x.txt", "jpg", "x.jpg.part", "x.jpg~", "noext", "x.")
    assert set(places(walk(tmp_path))) == wanted


def test_folders_are_walked_to_the_bottom_sorted_and_mirrored(tmp_path: Path) -> None:
    tree(tmp_path, "z.jpg", "a/z.jpg", "a/a.jpg", "a/b/c/d.jpg", "b/a.jpg", "B.jpg", "a.jpg", "a2/x.jpg")
    assert places(walk(tmp_path)) == [
        "B.jpg", "a.jpg", "z.jpg", "a/a.jpg", "a/z.jpg", "a/b/c/d.jpg", "a2/x.jpg", "b/a.jpg",
    ]  # fmt: skip


def test_paths_lead_to_the_files(tmp_path: Path) -> None:
    tree(tmp_path, "a/b.jpg")
    [batch] = walk(tmp_path)
    assert isinstance(batch, Batch)
    assert batch.path("b.jpg") == os.path.join(tmp_path, "a", "b.jpg")


def test_an_empty_folder_is_no_trouble(tmp_path: Path) -> None:
    assert walk(tmp_path) == []


def test_hidden_files_and_folders_are_never_inputs(tmp_path: Path) -> None:
    tree(tmp_path, ".a.jpg", ".hidden/b.jpg", ".pixian-7.part", "c/.d.jpg", "e.jpg", ".pixian-batch/f.png")
    assert places(walk(tmp_path)) == ["e.jpg"]
    assert places(walk(tmp_path / "*")) == ["e.jpg"]
    assert places(walk(tmp_path / "**" / "*")) == ["e.jpg"]


def test_a_hidden_folder_that_was_named_is_walked(tmp_path: Path) -> None:
    tree(tmp_path, ".album/a.jpg", ".album/b/c.jpg")
    assert places(walk(tmp_path / ".album")) == ["a.jpg", "b/c.jpg"]
    assert places(walk(tmp_path / ".album" / "*.jpg")) == ["a.jpg"]


def test_the_output_folder_inside_the_input_is_never_entered(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for pattern in ["", "*", "**", "**/*", "**/*.png"]:
        with subtests.test(pattern=pattern):
            tree(tmp_path, "a.png", "cut/a.png", "cut/b/c.png", "deep/cut/d.png")
            walked = places(walk(tmp_path / pattern, avoid=(str(tmp_path / "cut"),)))
            assert "a.png" in walked
            assert not [place for place in walked if place.startswith("cut/")]


@posix
def test_the_output_folder_is_known_by_any_name(tmp_path: Path) -> None:
    tree(tmp_path, "in/a.png", "in/cut/a.png")
    os.symlink(tmp_path / "in" / "cut", tmp_path / "elsewhere")
    assert places(walk(tmp_path / "in", avoid=(str(tmp_path / "elsewhere"),))) == ["a.png"]


def test_a_large_folder_comes_in_batches(tmp_path: Path) -> None:
    tree(tmp_path, *(f"{number:05}.jpg" for number in range(BATCH * 2 + 1)))
    walked = walk(tmp_path)
    assert [len(batch.names) for batch in walked if isinstance(batch, Batch)] == [BATCH, BATCH, 1]
    assert places(walked) == sorted(places(walked))


@pytest.mark.parametrize("pattern", ["", "**/*.jpg", "*/*"])
def test_the_first_batch_comes_before_the_rest_is_listed(
    tmp_path: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, *(f"{number:03}/a.jpg" for number in range(50)))
    listed: list[str] = []
    real = os.scandir

    def counting(path: Any = ".") -> Any:
        listed.append(os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", counting)
    walker = Walker(WalkRules(list))
    first = next(walker.walk([os.path.join(tmp_path, pattern) if pattern else str(tmp_path)]))
    assert isinstance(first, Batch)
    assert (first.place, first.names) == ("000", ["a.jpg"])
    assert len(listed) <= 2


def test_a_folder_made_during_the_walk_below_it_is_still_found(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "b/1.jpg")
    walker = Walker(WalkRules(list)).walk([str(tmp_path)])
    assert places([next(walker)]) == ["a/1.jpg"]
    tree(tmp_path, "b/c/2.jpg")
    assert places(walker) == ["b/1.jpg", "b/c/2.jpg"]


# --- what cannot be read --------------------------------------------------------------------------


def test_a_folder_that_vanishes_is_reported_and_the_walk_goes_on(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "b/1.jpg", "c/1.jpg")
    walker = Walker(WalkRules(list)).walk([str(tmp_path)])
    next(walker)
    os.unlink(tmp_path / "b" / "1.jpg")
    os.rmdir(tmp_path / "b")
    rest = list(walker)
    assert troubles(rest) == [(str(tmp_path / "b"), "unreadable_folder")]
    assert places(item for item in rest if isinstance(item, Batch)) == ["c/1.jpg"]


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root reads everything")
def test_an_unreadable_folder_is_reported_and_the_walk_goes_on(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "b/1.jpg")
    (tmp_path / "a").chmod(0)
    try:
        walked = walk(tmp_path)
    finally:
        (tmp_path / "a").chmod(0o700)
    assert troubles(walked) == [(str(tmp_path / "a"), "unreadable_folder")]
    assert places(walked[1:]) == ["b/1.jpg"]


def test_what_does_not_exist_is_reported_with_advice(tmp_path: Path, subtests: pytest.Subtests) -> None:
    cases: list[str] = ["missing", "missing.jpg", "missing/*", "*.jpg", "**/x", "[", "a[1].jpg"]
    for name in cases:
        with subtests.test(name=name):
            tree(tmp_path, "deep/a.png")
            [trouble] = walk(tmp_path / name)
            assert isinstance(trouble, Trouble)
            assert (trouble.path, trouble.code) == (str(tmp_path / name), "not_found")
            assert trouble.message
            assert trouble.hint


@posix
def test_pipes_sockets_and_devices_with_image_names_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.png"))
        tree(tmp_path, "photo.jpg")
        assert places(walk(tmp_path)) == ["photo.jpg"]
        assert places(walk(tmp_path / "*")) == ["photo.jpg"]
        assert troubles(walk(tmp_path / "pipe.jpg", tmp_path / "s.png")) == [
            (str(tmp_path / "pipe.jpg"), "not_a_file"),
            (str(tmp_path / "s.png"), "not_a_file"),
        ]


# --- symbolic links -------------------------------------------------------------------------------


@posix
def test_linked_files_are_inputs_and_linked_folders_only_when_asked_for(tmp_path: Path) -> None:
    tree(tmp_path, "real/a.jpg", "in/b.jpg")
    os.symlink(tmp_path / "real" / "a.jpg", tmp_path / "in" / "linked.jpg")
    os.symlink(tmp_path / "real", tmp_path / "in" / "folder")
    os.symlink(tmp_path / "real", tmp_path / "in" / "folder.jpg")
    assert places(walk(tmp_path / "in")) == ["b.jpg", "linked.jpg"]
    assert places(walk(tmp_path / "in" / "**" / "*.jpg")) == ["b.jpg", "linked.jpg"]
    followed = places(walk(tmp_path / "in", follow_symlinks=True))
    assert followed == ["b.jpg", "linked.jpg", "folder/a.jpg", "folder.jpg/a.jpg"]


@posix
@pytest.mark.parametrize("pattern", ["", "**", "**/*.jpg"])
def test_loops_of_links_end(tmp_path: Path, pattern: str) -> None:
    tree(tmp_path, "a/1.jpg", "a/b/2.jpg")
    os.symlink(tmp_path, tmp_path / "a" / "b" / "up")
    os.symlink(".", tmp_path / "a" / "self")
    os.symlink("there", tmp_path / "here")
    os.symlink("here", tmp_path / "there")
    assert places(walk(tmp_path / pattern, follow_symlinks=True)) == ["a/1.jpg", "a/b/2.jpg"]
    assert places(walk(tmp_path / pattern)) == ["a/1.jpg", "a/b/2.jpg"]


@posix
def test_a_link_to_itself_or_to_nothing_does_not_hide_its_folder(tmp_path: Path) -> None:
    os.symlink("loop.jpg", tmp_path / "loop.jpg")
    os.symlink("gone", tmp_path / "broken.jpg")
    tree(tmp_path, "a.jpg", "z.jpg")
    assert places(walk(tmp_path)) == ["a.jpg", "z.jpg"]
    assert places(walk(tmp_path / "*.jpg")) == ["a.jpg", "z.jpg"]
    assert [code for _path, code in troubles(walk(tmp_path / "loop.jpg", tmp_path / "broken.jpg"))] == [
        "not_a_file", "not_a_file",
    ]  # fmt: skip


# --- names ----------------------------------------------------------------------------------------

ODD = [
    " leading and trailing .jpg",
    "new\nline.jpg",
    "[bold]markup[bold].jpg",
    "\x1b[31mred\x1b[0m.jpg",
    "-rf.jpg",
    "--out.jpg",
    "~.jpg",
    "$HOME.jpg",
    "%20.jpg",
    "a'b\"c.jpg",
    "back\\slash.jpg",
    "*star?.jpg",
    "ümläut.jpg",
    "u\u0308.jpg",
    "日本語.jpg",
    "\U0001f4f7.jpg",
    "\u202egpj.jpg",
    os.fsdecode(b"caf\xe9.jpg"),
    os.fsdecode(b"\xff\xfe.jpg"),
    "n" * 251 + ".jpg",
]


@posix
def test_odd_names_are_names(tmp_path: Path) -> None:
    tree(tmp_path, *ODD)
    assert sorted(places(walk(tmp_path))) == sorted(ODD)
    for name in ODD:
        assert places(walk(tmp_path / name)) == [name], "a name that exists is never taken for a pattern"


@posix
def test_odd_folders_are_folders(tmp_path: Path) -> None:
    tree(tmp_path, *(f"{name}/{name}" for name in ODD))
    assert sorted(places(walk(tmp_path))) == sorted(f"{name}/{name}" for name in ODD)


# --- collisions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("a.jpg", "a.png"),
        ("a.jpg", "A.jpg"),
        ("a.JPG", "a.jpg"),
        ("\xe9.jpg", "e\u0301.jpg"),
        ("ß.jpg", "SS.gif"),
    ],
)
def test_names_whose_results_would_overwrite_each_other_are_rivals(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    tree(tmp_path, *names, "other.jpg")
    if len(os.listdir(tmp_path)) != 3:
        pytest.skip("this file system takes both for one")
    [batch] = walk(tmp_path)
    assert isinstance(batch, Batch)
    assert set(batch.rivals) == set(names)
    assert all(set(rivals) == set(names) for rivals in batch.rivals.values())


def test_rivals_are_found_across_batches(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", *(f"m{number}.jpg" for number in range(BATCH)), "A.png")
    for batch in walk(tmp_path):
        assert isinstance(batch, Batch)
        assert set(batch.rivals) == {"a.jpg", "A.png"}


def test_the_same_name_in_two_folders_is_no_collision(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "b/1.png")
    assert not [batch for batch in walk(tmp_path) if isinstance(batch, Batch) and batch.rivals]


def test_a_result_cannot_stand_where_a_folder_of_results_must(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", "A.png/b.jpg", "c.jpg")
    first, second = walk(tmp_path)
    assert isinstance(first, Batch)
    assert set(first.rivals) == {"a.jpg"}
    assert places([second]) == ["A.png/b.jpg"]


# --- files by name and URLs ----------------------------------------------------------------------


def test_a_file_that_was_named_needs_no_suffix(tmp_path: Path) -> None:
    tree(tmp_path, "photo", "x/b.dat")
    assert places(walk(tmp_path / "photo", tmp_path / "x" / "b.dat")) == ["photo", "b.dat"]


def test_inputs_come_in_the_order_given(tmp_path: Path) -> None:
    tree(tmp_path, "z.jpg", "a/b.jpg", "c.jpg")
    walked = walk(tmp_path / "z.jpg", "https://host/x.jpg?y=1", tmp_path / "nope", tmp_path / "a")
    kinds = [type(item) for item in walked]
    assert kinds == [Batch, FoundUrl, Trouble, Batch]


def test_urls_are_not_looked_for_on_disk() -> None:
    [url] = walk("HTTPS://Host.Example/a/b.jpg".replace("HTTPS", "https"))
    assert url == FoundUrl("https://Host.Example/a/b.jpg", "host.example/a/b.jpg")


def test_listed_paths_are_mirrored_as_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "a/b.jpg", "c.jpg")
    monkeypatch.chdir(tmp_path / "a")
    assert places(walk("b.jpg", "../c.jpg", "./../a/b.jpg", listed=True)) == ["b.jpg", "c.jpg", "a/b.jpg"]
    [absolute] = places(walk(tmp_path / "c.jpg", listed=True))
    assert absolute == os.path.splitdrive(str(tmp_path / "c.jpg"))[1].strip(os.sep).replace(os.sep, "/")


def test_a_listed_place_never_leaves_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/b/c.jpg", "d.jpg")
    monkeypatch.chdir(tmp_path / "a" / "b")
    for place in places(walk("../../d.jpg", "../b/c.jpg", listed=True)):
        assert ".." not in place.split("/")
        assert not place.startswith("/")
