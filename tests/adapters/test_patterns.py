"""Globs, include and exclude: which files and folders a pattern means."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from support.walks import places, tree, walk

from pixian_batch.adapters.walking import Batch

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


GLOBBED = ("a.jpg", "b.PNG", "c.txt", "x/a.jpg", "x/y/a.jpg", "x/y/b.png", "x2/a.jpg", "x2/y/z/a.jpg")


def test_globs_find_files_and_the_folders_they_match(tmp_path: Path, subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str]] = [
        ("*.jpg", "a.jpg"),
        ("*", "a.jpg b.PNG x/a.jpg x/y/a.jpg x/y/b.png x2/a.jpg x2/y/z/a.jpg"),
        ("?.*", "a.jpg b.PNG"),
        ("[ab].*", "a.jpg b.PNG"),
        ("[!a].*", "b.PNG"),
        ("*/*.jpg", "x/a.jpg x2/a.jpg"),
        ("x*/y", "x/y/a.jpg x/y/b.png x2/y/z/a.jpg"),
        ("**/*.jpg", "a.jpg x/a.jpg x/y/a.jpg x2/a.jpg x2/y/z/a.jpg"),
        ("**/y/*.png", "x/y/b.png"),
        ("**/y/**/*.jpg", "x/y/a.jpg x2/y/z/a.jpg"),
        ("**", "a.jpg b.PNG x/a.jpg x/y/a.jpg x/y/b.png x2/a.jpg x2/y/z/a.jpg"),
        ("x?/**", "x2/a.jpg x2/y/z/a.jpg"),
    ]
    for pattern, expected in cases:
        with subtests.test(pattern=pattern, expected=expected):
            tree(tmp_path, *GLOBBED)
            walked = walk(os.path.join(tmp_path, *pattern.split("/")))
            assert places(walked) == expected.split(" ")
            for batch in walked:
                assert isinstance(batch, Batch)
                assert all(os.path.isfile(batch.path(name)) for name in batch.names)


def test_a_glob_mirrors_what_lies_below_its_fixed_part(tmp_path: Path) -> None:
    tree(tmp_path, *GLOBBED)
    assert places(walk(tmp_path / "x" / "*" / "*.jpg")) == ["y/a.jpg"]


def test_a_glob_without_a_folder_looks_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, *GLOBBED)
    monkeypatch.chdir(tmp_path)
    assert places(walk("*.jpg")) == ["a.jpg"]
    assert places(walk("./x*/*.jpg")) == ["x/a.jpg", "x2/a.jpg"]


def test_names_that_a_glob_finds_collide_like_those_of_a_folder(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", "a.png", "b.jpg")
    for pattern in ("*", "**", "?.*"):
        [batch] = walk(tmp_path / pattern)
        assert isinstance(batch, Batch)
        assert dict(batch.rivals) == {"a.jpg": ["a.jpg", "a.png"], "a.png": ["a.jpg", "a.png"]}


def test_a_fixed_part_may_hold_wildcards_of_its_own_name(tmp_path: Path) -> None:
    tree(tmp_path, "2024 [best]/a.jpg", "2024 b/c.jpg")
    assert places(walk(tmp_path / "2024 [best]")) == ["a.jpg"]
    assert places(walk(tmp_path / "2024 ?best]" / "*.jpg")) == ["2024 [best]/a.jpg"]


# --- include and exclude -------------------------------------------------------------------------


def test_include_and_exclude(tmp_path: Path, subtests: pytest.Subtests) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"include": ("*.jpg",)}, "a.jpg x/a.jpg x/y/a.jpg x2/a.jpg x2/y/z/a.jpg"),
        ({"exclude": ("*.jpg",)}, "b.PNG x/y/b.png"),
        ({"exclude": ("y",)}, "a.jpg b.PNG x/a.jpg x2/a.jpg"),
        ({"exclude": ("x/y",)}, "a.jpg b.PNG x/a.jpg x2/a.jpg x2/y/z/a.jpg"),
        ({"exclude": ("x/*",)}, "a.jpg b.PNG x2/a.jpg x2/y/z/a.jpg"),
        ({"include": ("x/*",)}, "x/a.jpg x/y/a.jpg x/y/b.png"),
        ({"include": ("*.jpg", "*.png"), "exclude": ("x2",)}, "a.jpg b.PNG x/a.jpg x/y/a.jpg x/y/b.png"),
        ({"include": ("nothing",)}, ""),
        ({"exclude": ("*",)}, ""),
    ]
    for rules, expected in cases:
        with subtests.test(rules=rules, expected=expected):
            tree(tmp_path, *GLOBBED)
            assert places(walk(tmp_path, **rules)) == expected.split()


def test_the_suffix_of_a_pattern_matches_in_any_case_and_nothing_else_does(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    tree(tmp_path, "a.jpg", "B.JPG", "c.Jpg", "d.png", "E.PNG", "x.1/f.JPG")
    every = ["B.JPG", "E.PNG", "a.jpg", "c.Jpg", "d.png", "x.1/f.JPG"]
    cases: list[tuple[str, list[str]]] = [
        ("*.jpg", ["B.JPG", "a.jpg", "c.Jpg", "x.1/f.JPG"]),
        ("*.JPG", ["B.JPG", "a.jpg", "c.Jpg", "x.1/f.JPG"]),
        ("*.jp*", ["B.JPG", "a.jpg", "c.Jpg", "x.1/f.JPG"]),
        ("*.[jJ]pg", ["a.jpg", "c.Jpg"]),
        ("*.[!p]*", ["B.JPG", "E.PNG", "a.jpg", "c.Jpg", "x.1/f.JPG"]),
        ("x.1/*.jpg", ["x.1/f.JPG"]),
        ("X.1/*.jpg", []),
        ("b.jpg", []),
        ("A*", []),
        ("x.1/f*", ["x.1/f.JPG"]),
    ]
    for pattern, expected in cases:
        with subtests.test(pattern=pattern):
            assert places(walk(tmp_path, include=(pattern,))) == expected
            assert places(walk(tmp_path, exclude=(pattern,))) == [
                name for name in every if name not in expected
            ]
