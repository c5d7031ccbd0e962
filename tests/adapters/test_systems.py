"""What belongs to operating systems is not walked into, and counted; a name that the user gives is always taken."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from support.walks import places, tree, walk

from pixian_batch.adapters.walking import Walker, WalkRules
from pixian_batch.adapters.walking.systems import is_system
from pixian_batch.policy.left_out import LeftOut

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FOLDERS = (
    "@eaDir", "#recycle", "@Recycle", "@Recently-Snapshot", "#snapshot", ".@__thumb", "$RECYCLE.BIN", "$Recycle.Bin",
    "System Volume Information", "lost+found", ".Trash-1000", ".Trash", ".Trashes", ".Spotlight-V100", ".fseventsd",
    ".TemporaryItems", ".DocumentRevisions-V100", ".AppleDouble", "Network Trash Folder", "__MACOSX", ".thumbnails",
    ".stfolder", ".stversions", ".sync", ".dropbox.cache", "~snapshot", ".snapshot", ".zfs",
)  # fmt: skip
FILES = ("._a.jpg", ".trashed-1700000000-a.jpg", ".pending-1700000000-a.JPG")
OWN = ("a.jpg", "Recycled/a.jpg", "eaDir/a.jpg", "_a.jpg", "Trash/a.jpg", "snapshot/a.jpg", "sync/a.jpg")


def counted(*inputs: Path | str, **rules: bool) -> LeftOut:
    left_out = LeftOut()
    list(Walker(WalkRules(None, **rules), left_out).walk(map(os.fspath, inputs)))  # type: ignore[arg-type]
    return left_out


def test_folders_and_files_of_systems_are_left_out_and_counted(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for number, name in enumerate(FOLDERS):
        with subtests.test(name=name):
            album = tree(tmp_path / str(number), "a.jpg", f"b/{name}/x.jpg", f"b/{name}/y/z.jpg")
            assert is_system(name.upper())
            assert places(walk(album)) == places(walk(album / "**")) == ["a.jpg"]
            assert (counted(album).folders, counted(album).files) == (1, 0)
            assert len(places(walk(album, include_system=True))) == 3
            assert counted(album, include_system=True) == LeftOut()
    for name in FILES:
        with subtests.test(name=name):
            album = tree(tmp_path / name, "photo.jpg", name)
            assert places(walk(album)) == ["photo.jpg"]
            assert (counted(album).folders, counted(album).files) == (0, 1)
            assert sorted(places(walk(album, include_system=True))) == sorted([name, "photo.jpg"])


def test_names_that_only_look_alike_are_the_users_own(tmp_path: Path) -> None:
    assert sorted(places(walk(tree(tmp_path, *OWN)))) == sorted(OWN)
    assert counted(tmp_path) == LeftOut()


def test_what_is_no_photo_anyway_is_not_counted(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "Thumbs.db",
        "desktop.ini",
        ".DS_Store",
        "._notes.txt",
        "ehthumbs.db",
        ".hidden/a.jpg",
        ".a.jpg",
    )
    assert walk(tmp_path) == []
    assert counted(tmp_path) == LeftOut()
    assert walk(tmp_path, include_system=True) == [], "hidden names are left alone, as ls and globs do"


def test_what_the_user_names_is_taken(tmp_path: Path) -> None:
    tree(tmp_path, "@eaDir/a.jpg", "@eaDir/b/c.jpg", "._a.jpg")
    assert places(walk(tmp_path / "@eaDir")) == ["a.jpg", "b/c.jpg"]
    assert places(walk(tmp_path / "@eaDir" / "*.jpg")) == ["a.jpg"]
    assert places(walk(tmp_path / "._a.jpg")) == ["._a.jpg"]
    assert len(walk(tmp_path / "@eaDir" / "a.jpg", tmp_path / "._a.jpg", listed=True)) == 2
    assert counted(tmp_path / "@eaDir", tmp_path / "._a.jpg") == LeftOut()


def test_what_the_user_excludes_is_not_counted(tmp_path: Path) -> None:
    tree(tmp_path, "@eaDir/a.jpg", "._a.jpg", "x.heic", "y.webp")
    left_out = LeftOut()
    list(Walker(WalkRules(None, exclude=("@eaDir", "._*", "*.HEIC")), left_out).walk([str(tmp_path)]))
    assert left_out == LeftOut(suffixes=left_out.suffixes)
    assert dict(left_out.suffixes) == {".webp": 1}


def test_photos_that_the_service_does_not_take_are_counted_by_suffix(tmp_path: Path) -> None:
    tree(tmp_path, "a.heic", "b.HEIC", "c/d.cr2", "e.webp", "f.txt", "g.mov", "h.jpg", "i.xmp", "._j.heic")
    (tmp_path / "k.heic").mkdir()
    for inputs in (tmp_path, tmp_path / "**"):
        assert dict(counted(inputs).suffixes) == {".heic": 2, ".cr2": 1, ".webp": 1}
    assert dict(counted(tmp_path / "*.webp").suffixes) == {".webp": 1}
    assert places(walk(tmp_path)) == ["h.jpg"]
