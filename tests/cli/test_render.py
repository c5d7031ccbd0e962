"""`render`: variants of real results by recipes; only what is missing is made, nothing that is not ours is touched."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from support.commands import here
from support.cutouts import cutout
from support.image_samples import decoded
from support.pictures import content_of, put
from support.schema import violation

from pixian_batch.emulator.settings import EngineName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace

RECIPES = """
[recipe.small]
target_size = "40 40"
background_color = "#FFFFFF"
[recipe.clear]
fill = "80%"
target_size = "32 24"
"""


def bought(
    workspace: Callable[..., Workspace], *options: str, names: tuple[str, ...] = ("a.png", "b/c.png")
) -> Workspace:
    home = workspace(engine=EngineName.PLAIN)
    home.add(*names, size=(60, 40))
    code, _out, err = home.run(*options)
    assert code == 0, err
    return home


def render(
    home: Path, *options: str, recipes: str = RECIPES, out: str = "out"
) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, records and what is said, of variants in `to`, made in this process."""
    put(home / "recipes.toml", recipes.encode())
    words = [
        str(home / out),
        "--recipe",
        str(home / "recipes.toml"),
        "--to",
        str(home / "to"),
        "--jobs",
        "1",
        "--json",
    ]
    result = here("render", *words, *options)
    records = [json.loads(line) for line in result.out.splitlines()]
    assert [problem for record in records if (problem := violation(record))] == []
    return result.code, records, result.err


def statuses(records: list[dict[str, Any]], home: Path) -> dict[str, str]:
    return {
        os.path.relpath(record["output"], home / "to"): record["status"]
        for record in records
        if record["type"] == "variant"
    }


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".pixian-batch" not in path.parts
    }


def size_of(path: str | os.PathLike[str]) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def plain_folder(home: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        os.makedirs(os.path.dirname(home / "out" / name), exist_ok=True)
        Image.fromarray(cutout(seed=number)).save(home / "out" / name, "PNG")
    return home


def test_variants_of_what_was_bought_cost_nothing(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace)
    before, requests = files(home.out), len(home.emulator.requests)
    code, records, err = render(home.root)
    assert code == 0, err
    assert sorted(statuses(records, home.root)) == [
        "a_clear.png",
        "a_small.jpg",
        "b/c_clear.png",
        "b/c_small.jpg",
    ]
    assert set(statuses(records, home.root).values()) == {"done"}
    assert not any(record["free"] for record in records if record["type"] == "variant")
    assert records[-1]["type"] == "rendered"
    assert records[-1]["done"] == 4
    assert size_of(home.root / "to/a_small.jpg") == (40, 40)
    assert files(home.out) == before
    assert len(home.emulator.requests) == requests


def test_a_second_time_nothing_is_made_and_a_change_makes_what_it_changes(
    workspace: Callable[..., Workspace],
) -> None:
    home = bought(workspace)
    render(home.root)
    stamps = {name: os.stat(home.root / "to" / name).st_mtime_ns for name in files(home.root / "to")}
    code, records, err = render(home.root)
    assert (code, records[-1]["done"], records[-1]["skipped"]) == (0, 0, 4), err
    changed = RECIPES.replace("#FFFFFF", "#FF0000")
    code, records, _err = render(home.root, recipes=changed)
    made = {name for name, status in statuses(records, home.root).items() if status == "done"}
    assert made == {"a_small.jpg", "b/c_small.jpg"}
    after = {name: os.stat(home.root / "to" / name).st_mtime_ns for name in files(home.root / "to")}
    assert {name for name, stamp in after.items() if stamp != stamps[name]} == made
    # Another description, another order: nothing that a file shows.
    same = '[recipe.clear]\ndescription = "x"\ntarget_size = "32 24"\nfill = "80%"\n'
    assert render(home.root, recipes=same)[1][-1]["skipped"] == 2
    os.unlink(home.root / "to/a_clear.png")
    made = {
        n
        for n, status in statuses(render(home.root, recipes=changed)[1], home.root).items()
        if status == "done"
    }
    assert made == {"a_clear.png"}


def test_a_result_that_is_bought_again_is_rendered_again(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace)
    render(home.root)
    put(home.photos / "a.png", content_of(home.photos / "b/c.png") + b"\0")  # other bytes, another image
    assert home.run("--replace", "--yes")[0] == 0
    made = [name for name, status in statuses(render(home.root)[1], home.root).items() if status == "done"]
    assert sorted(made) == ["a_clear.png", "a_small.jpg"]


def test_what_is_not_ours_is_not_touched(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace)
    mine = put(home.root / "to/a_small.jpg", b"mine")
    code, records, err = render(home.root)
    assert code == 3
    assert content_of(mine) == b"mine"
    assert "was not made by this command" in err
    assert statuses(records, home.root)["a_small.jpg"] == "failed"
    assert render(home.root, "--overwrite")[0] == 0
    assert size_of(mine) == (40, 40)
    put(mine, b"edited by hand, with care")
    code, _records, err = render(home.root)
    assert code == 3
    assert "was changed since it was made" in err


def test_no_variant_takes_the_place_of_a_photo_or_a_result(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace)
    os.makedirs(home.root / "to")
    os.link(home.out / "a.png", home.root / "to/a_clear.png")
    os.link(home.photos / "a.png", home.root / "to/a_small.jpg")
    keeping = RECIPES.replace("[recipe.small]", "[recipe.small]\nkeep_metadata = true")
    before = content_of(home.out / "a.png"), content_of(home.photos / "a.png")
    code, _records, err = render(home.root, "--overwrite", recipes=keeping)
    assert code == 3
    assert err.count("a variant never takes its place") == 2
    assert (content_of(home.out / "a.png"), content_of(home.photos / "a.png")) == before
    result = here("render", str(home.out), "--recipe", "ebay", "--to", str(home.out))
    assert result.code == 2
    assert "folder of the results themselves" in result.err


def test_a_result_that_was_cropped_or_laid_on_is_used_where_it_can_be(
    workspace: Callable[..., Workspace],
) -> None:
    home = bought(workspace, "--crop-to-foreground")
    code, records, err = render(home.root)
    assert code == 3
    assert statuses(records, home.root) == {
        "a_small.jpg": "failed",
        "b/c_small.jpg": "failed",
        "a_clear.png": "done",
        "b/c_clear.png": "done",
    }
    assert "cropped or fitted" in err
    assert "--keep-master" in err


def test_a_flat_result_is_named_with_the_reason(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace, "--background-color", "#FFFFFF")
    code, records, err = render(home.root)
    assert (code, records[-1]["failed"]) == (3, 4)
    assert "a background colour: nothing of it is transparent" in err


def test_what_was_replaced_and_kept_is_found(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace)
    full = files(home.out)["a.png"]
    assert home.run("--crop-to-foreground", "--replace", "--yes")[0] == 0
    assert files(home.out)["a.png"] != full
    code, _records, err = render(home.root, recipes="[recipe.all]\n")
    assert code == 0, err
    assert np.array_equal(decoded(files(home.root / "to")["a_all.png"]), decoded(full))


def test_a_delta_is_rebuilt_with_its_photo(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace, "--output-format", "delta_png")
    code, _records, err = render(home.root, recipes="[recipe.all]\n")
    assert code == 0, err
    whole = workspace(engine=EngineName.PLAIN)
    whole.root, whole.names = home.root, home.names
    assert whole.do("run", str(home.photos), "--out", str(home.root / "full"), *whole.common)[0] == 0
    made = files(home.root / "to")
    assert np.array_equal(decoded(made["a.delta_all.png"]), decoded(files(home.root / "full")["a.png"]))
    os.unlink(home.photos / "a.png")
    code, _records, err = render(home.root, recipes='[recipe.other]\nmargin = "1px"\n')
    assert code == 3
    assert "its photo is gone or was changed" in err


def test_duplicates_and_free_results(workspace: Callable[..., Workspace]) -> None:
    home = workspace(engine=EngineName.PLAIN)
    home.add("a.png", size=(60, 40))
    put(home.photos / "twin.png", content_of(home.photos / "a.png"))
    assert home.run("--test")[0] == 0
    code, records, err = render(home.root)
    assert code == 0, err
    assert sorted(statuses(records, home.root)) == [
        "a_clear.png",
        "a_small.jpg",
        "twin_clear.png",
        "twin_small.jpg",
    ]
    assert all(record["free"] for record in records if record["type"] == "variant")
    assert "2 of the results are free ones" in err


def test_a_result_that_is_gone_fails_alone(workspace: Callable[..., Workspace]) -> None:
    home = bought(workspace)
    for change in (lambda path: Image.fromarray(cutout()).save(path), os.unlink):
        change(home.out / "a.png")  # another picture there is not what was bought, however whole
        code, records, err = render(home.root)
        assert (code, records[-1]["failed"]) == (3, 2)
        assert set(files(home.root / "to")) == {"b/c_clear.png", "b/c_small.jpg"}
        assert "not there any more" in err


def test_a_plain_folder_without_a_ledger(tmp_path: Path) -> None:
    plain_folder(tmp_path, "x.png", "deep/y.PNG")
    Image.new("RGB", (5, 5)).save(tmp_path / "out/opaque.png")
    put(tmp_path / "out/notes.txt", b"no picture")
    put(tmp_path / "out/broken.png", b"\x89PNG\r\n\x1a\nbroken")
    code, records, err = render(tmp_path, "--exclude", "nothing*")
    assert code == 3
    assert {name for name, status in statuses(records, tmp_path).items() if status == "done"} == {
        "x_small.jpg",
        "x_clear.png",
        "deep/y_small.jpg",
        "deep/y_clear.png",
    }
    assert "it has no transparency" in err
    assert render(tmp_path, "--include", "x*", "--only", "clear")[1][-1]["skipped"] == 1
    # Variants below the folder itself are no cut-outs.
    result = here(
        "render",
        str(tmp_path / "out"),
        "--recipe",
        str(tmp_path / "recipes.toml"),
        "--to",
        str(tmp_path / "out/v"),
        "--jobs",
        "1",
        "--include",
        "x*",
    )
    again = here(
        "render",
        str(tmp_path / "out"),
        "--recipe",
        str(tmp_path / "recipes.toml"),
        "--to",
        str(tmp_path / "out/v"),
        "--jobs",
        "1",
        "--include",
        "x*",
    )
    assert (result.code, again.code) == (0, 0)
    assert "0 made, 2 were there" in again.err


def test_collisions_are_found_before_anything_is_written(tmp_path: Path) -> None:
    plain_folder(tmp_path, "x.png", "b/x.png", "X.png")
    for name in ("{folder}/{stem}.{ext}", "all/{recipe}{folder}.{ext}"):
        code, records, err = render(
            tmp_path, recipes=f'[recipe.a]\nname = "{name}"\n[recipe.b]\nname = "{name}"\n'
        )
        assert (code, records) == (2, [])
        assert "want the place of another one" in err
        assert not (tmp_path / "to").exists()


def test_a_dry_run_makes_nothing(tmp_path: Path) -> None:
    plain_folder(tmp_path, "x.png")
    code, records, _err = render(tmp_path, "--dry-run")
    assert (code, statuses(records, tmp_path)) == (0, {"x_small.jpg": "planned", "x_clear.png": "planned"})
    assert not (tmp_path / "to").exists()
    words = [str(tmp_path / "out"), "--recipe", str(tmp_path / "recipes.toml"), "--to", str(tmp_path / "to")]
    said = here("render", *words, "-n").out
    assert "x.png (small) -> x_small.jpg" in said
    assert said.splitlines()[1].split() == ["small", "1", "0", "0"]


@pytest.mark.skipif(sys.platform != "linux", reason="names that other systems do not take")
def test_hostile_names(tmp_path: Path) -> None:
    names = [
        "[red]a.png",
        "-rf.png",
        "a\nb.png",
        "\x1b[31mc.png",
        os.fsdecode(b"\xff\xfe.png"),
        "{stem}.png",
        "%s ;d.png",
    ]
    plain_folder(tmp_path, *names)
    code, records, err = render(tmp_path)
    assert code == 0, err
    assert len(files(tmp_path / "to")) == 2 * len(names)
    assert render(tmp_path)[1][-1]["skipped"] == 2 * len(names)
    assert "\x1b" not in err + json.dumps(records)


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    plain_folder(tmp_path, "x.png")
    render(tmp_path, "--only", "small")
    parts = tmp_path / "to/.pixian-batch/rendering"
    os.rmdir(parts)
    put(parts, b"a file where the folder should be")
    code, _records, err = render(tmp_path)
    assert code == 8, err


def test_what_cannot_be_meant_says_what_was_meant(tmp_path: Path) -> None:
    plain_folder(tmp_path, "x.png")
    out, to = str(tmp_path / "out"), str(tmp_path / "to")
    recipes = put(tmp_path / "r.toml", RECIPES.encode())
    for words, told in {
        (out, "--recipe", "amazn-main", "--to", to): "did you mean 'amazon-main'?",
        (out, "--recipe", str(tmp_path / "s.toml"), "--to", to): "there is no such file",
        (out, "--recipe", recipes, "--to", to, "--only", "smal"): "did you mean 'small'?",
        (str(tmp_path / "ouu"), "--recipe", recipes, "--to", to): "there is no such folder",
        (out, "--to", to): "--recipe",
    }.items():
        result = here("render", *words)
        assert (result.code, told in result.err) == (2, True), result.err
        assert not os.path.exists(to)


def test_the_recipes_that_ship_are_listed_and_printed(tmp_path: Path) -> None:
    shown = here("recipes").out
    for name in ("amazon-main", "ebay", "etsy", "shopify", "google-shopping", "web-2x"):
        assert f"\n{name} " in shown
        text = here("recipes", name).out
        assert f"[recipe.{name}]" in text
        assert "Source" in text or name == "web-2x"
    both = put(tmp_path / "mine.toml", here("recipes", "ebay", "web-2x").out.encode())
    plain_folder(tmp_path, "x.png")
    result = here(
        "render", str(tmp_path / "out"), "--recipe", both, "--to", str(tmp_path / "to"), "-n", "--json"
    )
    assert [json.loads(line)["recipe"] for line in result.out.splitlines()] == ["ebay", "web-2x"]
    assert "did you mean 'etsy'?" in here("recipes", "etsi").err
    assert {one["name"] for one in json.loads(here("recipes", "--json").out)["recipes"]} > {"ebay"}
