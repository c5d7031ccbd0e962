"""`clean` shows what runs have left, and frees only what was named and is settled."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from pixian_batch.emulator.weather import Fault, FaultKind, Weather

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace

CUT = Fault(FaultKind.CUT_BODY)
CROP = "--crop-to-foreground"


def clean(home: Workspace, *options: str) -> dict[str, Any]:
    code, out, err = home.do("clean", str(home.out), "--json", *options)
    assert code == 0, err
    record: dict[str, Any] = json.loads(out)
    return record


def counts(record: dict[str, Any]) -> tuple[int, int, int]:
    return record["partials"]["count"], record["kept"]["count"], record["orphans"]["count"]


def files(home: Workspace) -> set[Path]:
    return {path for path in home.out.rglob("*") if path.is_file() and "ledger.db" not in path.name}


def lost(workspace: Callable[..., Workspace]) -> Workspace:
    """A workspace with a lost image of two: what arrived of it is a partial."""
    home = workspace()
    home.add("a.png", "b.png")
    stormy = workspace(weather=Weather(by_image={home.digest("a.png"): (CUT,)}))
    stormy.root = home.root
    assert stormy.run()[0] == 10
    return home


def test_nothing_goes_without_being_told_to(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png", "b.png", "c/d.png")
    assert home.run()[0] == 0
    assert home.run(CROP, "--replace")[0] == 0
    (home.photos / "b.png").unlink()
    before = files(home)
    assert counts(clean(home)) == (0, 3, 1)
    text = home.do("clean", str(home.out))[1]
    assert "kept results" in text
    assert (
        "nothing was removed: --force removes 0 files; to free the others, name them: --kept --orphans"
        in text
    )
    assert files(home) == before
    assert counts(clean(home, "--force")) == (0, 3, 1)
    assert files(home) == before, "the last copies of what was bought were not named"
    kept = sum(path.stat().st_size for path in before if "kept" in path.parts)
    assert clean(home, "--kept", "--force")["kept"] == {"count": 3, "bytes": kept, "removed": True}
    assert counts(clean(home)) == (0, 0, 1)
    assert home.do("clean", str(home.out), "--orphans", "--force")[1].endswith("removed 1 file\n")
    assert not (home.out / "b.png").exists()
    assert (home.out / "a.png").exists()
    assert counts(clean(home)) == (0, 0, 0)
    assert home.run(CROP)[0] == 0
    assert home.emulator.bill.totals.charges == 6


def test_a_partial_is_kept_until_its_image_is_settled(workspace: Callable[..., Workspace]) -> None:
    home = lost(workspace)
    [partial] = [path for path in files(home) if path.suffix == ".part"]
    record = clean(home, "--force")
    assert (record["partials"]["count"], record["unsettled"], partial.exists()) == (0, 1, True)
    assert "not settled" in home.do("clean", str(home.out))[1]
    assert home.do("resolve", str(home.out), "--all", "--charged")[0] == 0
    assert clean(home)["partials"]["count"] == 1
    assert clean(home, "--force")["partials"]["removed"]
    assert not partial.exists()


def test_masters_go_only_when_they_are_named(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.add("a.png", "c/d.png")
    assert home.run(CROP, "--keep-master")[0] == 0
    before = files(home)
    assert clean(home, "--force")["masters"]["count"] == 2
    assert files(home) == before
    assert clean(home, "--masters", "--force")["masters"]["removed"]
    assert {path for path in before if "masters" not in path.parts} == files(home)
    assert clean(home)["masters"]["count"] == 0
    assert home.run(CROP, "--keep-master")[0] == 0, "what was drawn is done"


def test_partials_of_decided_images_go_by_themselves(workspace: Callable[..., Workspace]) -> None:
    home = lost(workspace)
    assert home.do("resolve", str(home.out), "--all", "--charged")[0] == 0
    assert home.run()[0] == 0
    assert [path for path in files(home) if path.suffix == ".part"] == []


def test_partials_of_resent_images_go_with_the_result(workspace: Callable[..., Workspace]) -> None:
    home = lost(workspace)
    assert home.run("--in-doubt", "resend")[0] == 0
    assert [path for path in files(home) if path.suffix == ".part"] == []


def test_partials_of_another_ledger_are_left_alone(workspace: Callable[..., Workspace]) -> None:
    home = lost(workspace)
    [partial] = [path for path in files(home) if path.suffix == ".part"]
    other = home.root / "other"
    assert home.do("run", str(home.photos), "--out", str(other), *home.common)[0] == 0
    foreign = other / partial.name
    shutil.copy(partial, foreign)
    code, out, _ = home.do("clean", str(other), "--force", "--json")
    assert (code, json.loads(out)["foreign"], foreign.exists()) == (0, 1, True)
    (other / ".pixian-note.part").write_bytes(b"somebody's")
    assert home.do("clean", str(other), "--force")[0] == 0
    assert (other / ".pixian-note.part").exists()


def test_without_a_ledger_there_is_nothing_to_say(workspace: Callable[..., Workspace]) -> None:
    home = workspace()
    home.out.mkdir(parents=True)
    code, _, err = home.do("clean", str(home.out))
    assert code == 2
    assert err.startswith("error: ")
