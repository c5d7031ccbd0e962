"""No result ever stands on an input, whatever the options and however the photos are named; `plan` says the same."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.pictures import picture, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace

posix = pytest.mark.skipif(sys.platform == "win32", reason="links that any user may make")


class Shelf:
    """Photos, an output folder that is theirs or near them, and what a run makes of it."""

    def __init__(self, home: Workspace) -> None:
        self.home = home
        self.photos = home.photos
        self.originals: dict[str, bytes] = {}

    def add(self, *names: str) -> None:
        for name in names:
            kind = "jpg" if name.endswith("jpg") else "png"
            content = picture(kind, shade=len(self.originals) + 1, size=(16, 12))
            put(self.photos / name, content)
            self.originals[name] = content

    def run(self, *arguments: object) -> tuple[int, dict[str, dict[str, Any]]]:
        words = [str(argument) for argument in arguments]
        code, out, err = self.home.do("run", *words, *self.home.common, "--json")
        records = [json.loads(line) for line in out.splitlines()]
        assert records, err
        return code, {
            os.path.basename(record["input"]): record for record in records if record["type"] == "image"
        }

    def plan(self, *arguments: object) -> dict[str, Any]:
        words = [str(argument) for argument in arguments]
        code, out, err = self.home.do("plan", *words, "--api-url", self.home.emulator.url, "--json")
        assert code == 0, err
        return dict(json.loads(out))

    def bought(self) -> int:
        return self.home.emulator.bill.totals.charges

    def check(self) -> None:
        for name, content in self.originals.items():
            assert (self.photos / name).read_bytes() == content, name


@pytest.fixture
def shelf(workspace: Callable[..., Workspace]) -> Shelf:
    return Shelf(workspace())


def ways(shelf: Shelf, names: list[str], way: str) -> list[str]:
    """The same photos, named in different ways."""
    paths = [str(shelf.photos / name) for name in names]
    if way == "one by one":
        return paths
    listed = put(shelf.home.root / "list.txt", "\n".join(paths).encode())
    return ["--files-from", listed]


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
@pytest.mark.parametrize("way", ["one by one", "list"])
def test_a_photo_in_its_own_output_folder(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, way: str, overwrite: list[str]
) -> None:
    shelf.add("a.png", "b.jpg")
    monkeypatch.chdir("/")
    names = ways(shelf, ["a.png", "b.jpg"], way)
    # A list's places mirror its paths: below the root they are the paths themselves.
    out = str(shelf.photos) if way == "one by one" else "/"
    options = ["--out", out, "--ledger", str(shelf.home.root / "ledger.db"), *overwrite]
    plan = shelf.plan(*names, *options)
    assert (plan["new"], plan["collision"]) == (1, 1)
    code, told = shelf.run(*names, *options)
    assert code == 3
    assert told["a.png"]["error"]["code"] == "collision"
    assert "the photo itself" in told["a.png"]["error"]["message"]
    assert told["b.jpg"]["status"] == "done"
    shelf.check()
    # The cut-out is no photo, though a glob names it at the next run.
    again = ways(shelf, ["a.png", "b.jpg", "b.png"], way)
    assert shelf.plan(*again, *options)["new"] == 0
    code, told = shelf.run(*again, *options)
    assert (told["b.png"]["status"], told["b.png"]["reason"]) == ("skipped", "result")
    assert told["b.jpg"]["status"] == "skipped"
    assert shelf.bought() == 1
    shelf.check()


@pytest.mark.parametrize("order", [["x/a.jpg", "y/a.png"], ["y/a.png", "x/a.jpg"]])
def test_a_result_on_another_photo_that_is_named(shelf: Shelf, order: list[str]) -> None:
    shelf.add("x/a.jpg", "y/a.png")
    options = ["--out", str(shelf.photos / "y"), "--overwrite"]
    paths = [str(shelf.photos / name) for name in order]
    assert shelf.plan(*paths, *options)["collision"] == 2
    code, told = shelf.run(*paths, *options)
    assert (code, shelf.bought()) == (3, 0)
    assert {record["error"]["code"] for record in told.values()} == {"collision"}
    shelf.check()


@pytest.mark.parametrize("last", ["y", "y/*.png", "y/*"])
def test_a_result_on_a_photo_of_another_folder(shelf: Shelf, last: str) -> None:
    shelf.add("x/y/a.jpg", "y/a.png")
    options = ["--out", str(shelf.photos), "--overwrite"]
    paths = [str(shelf.photos / "x"), str(shelf.photos / last)]
    assert shelf.plan(*paths, *options)["collision"] == 1
    code, told = shelf.run(*paths, *options)
    assert (code, shelf.bought()) == (3, 1)
    assert told["a.jpg"]["status"] == "failed"
    assert (shelf.photos / "a.png").exists(), "the photo in the output folder has a result beside it"
    shelf.check()


def test_a_result_on_an_input_of_an_earlier_run(shelf: Shelf) -> None:
    shelf.add("x/a.jpg", "y/a.png")
    ledger = ["--ledger", str(shelf.home.root / "ledger.db")]
    assert shelf.run(shelf.photos / "y", "--out", shelf.home.out, *ledger)[0] == 0
    options = ["--out", str(shelf.photos / "y"), "--overwrite", *ledger]
    assert shelf.plan(shelf.photos / "x", *options)["collision"] == 1
    code, told = shelf.run(shelf.photos / "x", *options)
    assert code == 3
    assert "an input too" in told["a.jpg"]["error"]["message"]
    shelf.check()


def test_a_url_is_no_exception(shelf: Shelf) -> None:
    shelf.add("example.org/a.png")
    options = ["--out", str(shelf.photos), "--overwrite"]
    plan = shelf.plan("https://example.org/a.jpg", *options)
    assert (plan["new"], plan["collision"]) == (1, 0)
    photo = shelf.photos / "example.org" / "a.png"
    plan = shelf.plan("https://example.org/a.jpg", photo, *options)
    assert (plan["new"], plan["collision"]) == (1, 1), "the photo's own result goes elsewhere"


def test_cut_outs_are_not_bought_by_the_name_of_their_folder(shelf: Shelf) -> None:
    shelf.add("sub/a.jpg")
    assert shelf.run(shelf.photos, "--out", shelf.home.out)[0] == 0
    code, told = shelf.run(shelf.home.out / "sub", "--out", shelf.home.out)
    assert (code, told["a.png"]["reason"], shelf.bought()) == (0, "result", 1)
    assert shelf.run(shelf.home.out / "sub", "--out", shelf.home.root / "again")[0] == 0
    assert shelf.bought() == 2, "with another --out it is a photo like any other"


def test_what_nobody_named_may_be_overwritten(shelf: Shelf) -> None:
    shelf.add("x/a.jpg")
    put(shelf.photos / "y" / "a.png", b"somebody's")
    code, _told = shelf.run(shelf.photos / "x", "--out", shelf.photos / "y", "--overwrite")
    assert code == 0
    assert (shelf.photos / "y" / "a.png").read_bytes()[:4] == b"\x89PNG"


@posix
@pytest.mark.parametrize("make", [os.link, os.symlink])
def test_links_are_the_photo_itself(shelf: Shelf, make: Callable[[Path, Path], None]) -> None:
    shelf.add("a.png")
    shelf.home.out.mkdir()
    make(shelf.photos / "a.png", shelf.home.out / "a.png")
    code, told = shelf.run(shelf.photos, "--out", shelf.home.out, "--overwrite")
    assert (code, told["a.png"]["error"]["code"]) == (3, "collision")
    assert os.path.samefile(shelf.photos / "a.png", shelf.home.out / "a.png")
    assert shelf.bought() == 0


@posix
def test_a_link_among_the_inputs_leads_to_the_photo(shelf: Shelf) -> None:
    shelf.add("y/a.png", "x/a.jpg")
    os.symlink(shelf.photos / "y" / "a.png", shelf.photos / "link.png")
    inputs = [shelf.photos / "x" / "a.jpg", shelf.photos / "link.png"]
    code, told = shelf.run(*inputs, "--out", shelf.photos / "y", "--overwrite")
    assert (code, told["a.jpg"]["status"], told["link.png"]["status"]) == (3, "failed", "done")
    shelf.check()


@posix
def test_a_linked_folder_in_the_output_leads_to_the_photos(shelf: Shelf) -> None:
    shelf.add("2024/a.png", "new/2024/a.jpg")
    shelf.home.out.mkdir()
    os.symlink(shelf.photos / "2024", shelf.home.out / "2024")
    ledger = ["--ledger", str(shelf.home.root / "ledger.db")]
    inputs = [shelf.photos / "new", shelf.photos / "2024"]
    code, told = shelf.run(*inputs, "--out", shelf.home.out, "--overwrite", *ledger)
    assert told["a.jpg"]["status"] == "failed" or told["a.png"]["status"] == "failed"
    assert code == 3
    shelf.check()


@posix
def test_a_list_from_a_pipe_cannot_be_read_ahead(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.add("a.jpg", "a.png")
    monkeypatch.chdir(shelf.photos)
    fifo = str(shelf.home.root / "names")
    os.mkfifo(fifo)
    writer = os.open(fifo, os.O_RDWR)
    os.write(writer, b"a.jpg\na.png\n\n")
    reader, sender = os.pipe()
    os.write(sender, b"a.jpg\na.png\n")
    os.close(sender)
    os.close(writer)
    code, told = shelf.run("--files-from", f"/dev/fd/{reader}", "--out", ".", "--overwrite")
    os.close(reader)
    assert code == 3
    assert {name: record["status"] for name, record in told.items()} == {
        "a.jpg": "failed",
        "a.png": "failed",
    }
    shelf.check()


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("pattern", ["*.jpg", "./*", "**/*.jpg"])
def test_the_folder_of_a_glob_as_output_is_a_mistake_by_name(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, command: str, pattern: str
) -> None:
    shelf.add("a.jpg")
    monkeypatch.chdir(shelf.photos)
    code, _out, err = shelf.home.do(command, pattern, "--out", ".")
    assert code == 2
    assert "is the folder of the photos" in " ".join(err.split())


def test_a_listed_glob_in_the_output_says_what_is_wrong(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("a.jpg")
    monkeypatch.chdir(shelf.photos)
    listed = put(shelf.home.root / "list.txt", b"*.jpg\n")
    code, told = shelf.run("--files-from", listed, "--out", ".")
    assert code == 3
    assert "is the output folder itself" in told["*.jpg"]["error"]["message"]


@posix
def test_a_result_under_another_spelling_is_still_there(shelf: Shelf) -> None:
    """On a disk that folds case or Unicode forms two names are one file: a link stands in for that."""
    shelf.add("a.jpg")
    assert shelf.run(shelf.photos, "--out", shelf.home.out)[0] == 0
    os.rename(shelf.photos / "a.jpg", shelf.photos / "A.jpg")
    os.symlink("a.png", shelf.home.out / "A.png")
    code, told = shelf.run(shelf.photos, "--out", shelf.home.out, "--overwrite")
    assert (code, told["A.jpg"]["status"], told["A.jpg"]["reason"]) == (0, "skipped", "done")
    assert shelf.run(shelf.photos, "--out", shelf.home.out)[1]["A.jpg"]["reason"] == "done"
    assert shelf.bought() == 1
