"""`--engine-model`: the user's own network behind `--local`, `serve` and `doctor`, and what the ledger keeps apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from support.commands import command, serving, started
from support.onnx_models import Tiny

if TYPE_CHECKING:
    from pathlib import Path

    from support.commands import Result

pytest.importorskip("onnxruntime", reason="the local engine's runtime is not installed")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    picture = Image.new("RGB", (80, 60), (10, 40, 200))
    picture.paste((250, 20, 30), (20, 15, 60, 45))
    picture.save(folder / "a.png")
    return folder


def local(photos: Path, *options: str, name: str = "run", **env: str) -> Result:
    words = [name, str(photos), "--out", str(photos.parent / "cut"), "--local", "--json", *options]
    return command(*words, env=env)


def test_results_of_another_network_are_not_done(photos: Path, tmp_path: Path) -> None:
    own = str(Tiny(side=64, outputs=7).write(tmp_path / "own.onnx"))
    first = local(photos, "--engine-model", own)
    assert first.code == 0, first.err
    with Image.open(tmp_path / "cut" / "a.png") as cut:
        alpha = cut.getchannel("A")
        assert (alpha.getpixel((40, 30)), alpha.getpixel((5, 5))) == (255, 0)
    again = local(photos, "--engine-model", own)
    assert summary(again)["skipped"] == 1
    planned = json.loads(local(photos, name="plan", PIXIAN_BATCH_ENGINE_MODEL=own).out)
    assert planned["done"] == 1, planned
    Tiny(side=64, outputs=7, gain=4.0).write(tmp_path / "own.onnx")
    assert summary(local(photos, "--engine-model", own, "--overwrite"))["done"] == 1
    assert summary(local(photos, "--overwrite"))["done"] == 1, "nor are they the built-in one's"


def summary(ended: Result) -> dict[str, object]:
    assert ended.code == 0, ended.err
    record: dict[str, object] = json.loads(ended.out.splitlines()[-1])
    return record


def test_a_run_says_which_network_it_works_with(photos: Path, tmp_path: Path) -> None:
    own = Tiny(side=64, outputs=7).write(tmp_path / "own.onnx")
    (tmp_path / "LICENSE").write_text("MIT License\n")
    ended = local(photos, "--engine-model", str(own))
    assert ended.code == 0
    for part in (str(own), "U2-Net kind, 64 x 64", "sha256 ", "licence: MIT License"):
        assert part in ended.err


def test_without_local_nothing_is_spent(photos: Path, tmp_path: Path) -> None:
    own = str(Tiny().write(tmp_path / "own.onnx"))
    for name in ("run", "plan"):
        words = (name, str(photos), "--out", str(tmp_path / "cut"), "--engine-model", own)
        ended = command(*words, env={"PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret"})
        assert (ended.code, "add --local" in ended.err) == (2, True), ended.err
    assert not (tmp_path / "cut").exists()


def test_one_of_the_environment_waits_for_local_runs(photos: Path, tmp_path: Path) -> None:
    words = ("plan", str(photos), "--out", str(tmp_path / "cut"))
    ended = command(*words, env={"PIXIAN_BATCH_ENGINE_MODEL": "/nowhere/own.onnx"})
    assert ended.code == 0, ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--engine-model", "photos/a.png"), "is no ONNX model"),
        (("--engine-model", "none.onnx"), "there is no such file"),
        (("--engine-model", "own.onnx", "--engine-mean", "grey"), "0.485 0.456 0.406"),
        (("--engine-model", "own.onnx", "--engine-output", "maybe"), "probability, logits"),
        (("--engine-size", "320"), "--engine-model"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_made(
    photos: Path, options: tuple[str, ...], said: str
) -> None:
    folder = photos.parent
    Tiny().write(folder / "own.onnx")
    words = ("run", "photos", "--out", "cut", "--local", *options)
    ended = command(*words, cwd=str(folder))
    assert (ended.code, said in " ".join(ended.err.split())) == (2, True), ended.err
    assert not (folder / "cut").exists()


def test_doctor_tries_it(tmp_path: Path) -> None:
    own = Tiny(side=64, outputs=7).write(tmp_path / "own.onnx")
    ended = command("doctor", "--local", "--json", "--engine-model", str(own))
    (check,) = [check for check in json.loads(ended.out)["checks"] if check["name"] == "engine"]
    assert (ended.code, check["level"]) == (0, "ok")
    assert "loads and answers" in check["message"]
    assert "no licence text beside it" in check["message"]
    Tiny(side=64, tail="Unheard").write(own)
    ended = command("doctor", "--local", "--engine-model", str(own))
    assert (ended.code, "cannot be loaded here" in ended.out) == (2, True), ended.out


def test_serve_says_which_network_it_works_with(photos: Path, tmp_path: Path) -> None:
    own = str(Tiny(side=None, sigmoid=False).write(tmp_path / "own.onnx"))
    with started("--engine-model", own, "--engine-size", "48") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert process.stderr is not None
        greeting = process.stderr.readline()
        process.terminate()
        process.communicate()
    assert "your own network, " in greeting
    assert "BiRefNet kind, 48 x 48, logits" in greeting
    (tmp_path / "all.toml").write_text("[model]\npath = 'own.onnx'\nsize = 48\n")
    with serving("--weather", str(tmp_path / "all.toml")) as url:
        ended = command("run", str(photos), "--out", str(tmp_path / "served"), "--api-url", url)
    assert ended.code == 0, ended.err
    with Image.open(tmp_path / "served" / "a.png") as cut:
        assert cut.getchannel("A").getextrema() == (0, 255)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--engine-model", "none.onnx"), "there is no such file"),
        (("--engine-model", "none.onnx", "--engine", "plain"), "takes the place of u2netp"),
        (("--engine-size", "320"), "are about an engine_model"),
    ],
)
def test_serve_does_not_begin_with_a_network_that_cannot_be_used(options: tuple[str, ...], said: str) -> None:
    ended = command("serve", "--port", "0", *options)
    assert (ended.code, said in ended.err) == (2, True), ended.err
