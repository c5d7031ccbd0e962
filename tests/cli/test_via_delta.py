"""`pixian-batch run --via-delta`: the full PNG from a small download, in every orientation, losing nothing."""

from __future__ import annotations

import io
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from imaging import layouts
from PIL import Image, ImageOps
from support.commands import command, here
from support.emulators import EmulatorThread
from support.pictures import put
from support.told import endings_told

from pixian_batch.emulator.settings import EngineName
from pixian_batch.emulator.weather import Fault, Weather
from pixian_batch.imaging.proven import PROVEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"


def pixels(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGBA"))


def photos(folder: Path) -> None:
    """A real photo, eight times: stored in each EXIF orientation."""
    folder.mkdir()
    photo = Image.open(SAMPLES / "cat.png").convert("RGB").resize((225, 150))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        photo.save(folder / f"cat{orientation}.png", exif=exif)


def test_all_orientations_equal_a_direct_run(tmp_path: Path) -> None:
    photos(tmp_path / "in")
    with EmulatorThread(engine=EngineName.PLAIN) as emulator:
        for name, more in (("direct", ["--output-format", "png"]), ("via", ["--via-delta"])):
            result = command(
                "run", str(tmp_path / "in"), "--out", str(tmp_path / name), "--api-url", emulator.url, *more
            )
            assert result.code == 0, result.err
    for orientation in range(1, 9):
        name = f"cat{orientation}.png"
        direct, via = pixels(tmp_path / "direct" / name), pixels(tmp_path / "via" / name)
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO((tmp_path / "in" / name).read_bytes())))
        original = np.asarray(upright.convert("RGB"))
        assert direct.shape == via.shape == (*original.shape[:2], 4)
        solid = direct[..., 3] == 255
        assert solid.mean() > 0.1
        np.testing.assert_array_equal(direct[..., 3], via[..., 3])
        np.testing.assert_array_equal(direct[solid], via[solid])
        np.testing.assert_array_equal(via[solid][:, :3], original[solid])
    assert not [name for name in os.listdir(tmp_path / "via") if name.endswith((".part", ".rebuilt"))]


def test_an_image_that_would_be_shrunk_is_bought_as_png_and_that_is_said_before(tmp_path: Path) -> None:
    small, large = tmp_path / "in" / "small.png", tmp_path / "in" / "large.png"
    small.parent.mkdir()
    Image.effect_noise((20, 15), 50).convert("RGB").save(small)
    Image.effect_noise((60, 45), 50).convert("RGB").save(large)
    with EmulatorThread(engine=EngineName.PLAIN) as emulator:
        arguments = ["run", str(small.parent), "--out", str(tmp_path / "out"), "--api-url", emulator.url]
        result = command(*arguments, "--via-delta", "--max-pixels", "1000", "--json")
        again = command(*arguments, "--via-delta", "--max-pixels", "1000")
    assert result.code == again.code == 0
    message = "large.png: asked for as PNG, not by way of a Delta PNG: its 2,700 pixels are more than"
    assert message in result.err
    assert "small.png: asked" not in result.err
    assert "asked for as PNG" not in again.err  # nothing is sent, so nothing is said
    sizes = {
        Path(record["input"]).name: record["result_size"]
        for record in map(json.loads, result.out.splitlines())
        if record["type"] == "image"
    }
    assert sizes["small.png"] == {"width": 20, "height": 15}
    assert sizes["large.png"]["width"] * sizes["large.png"]["height"] <= 1000
    assert pixels(tmp_path / "out" / "large.png").shape[1] == sizes["large.png"]["width"]


def test_a_delta_that_does_not_fit_is_kept_and_decodes_later(tmp_path: Path) -> None:
    """Somebody replaces the photo while its delta is on the way; with the right photo nothing is lost."""
    rgb = np.random.default_rng(3).integers(0, 256, (15, 20, 3), dtype=np.uint8)
    photo, out = tmp_path / "a.png", tmp_path / "out"
    Image.fromarray(rgb).save(photo)
    other = io.BytesIO()
    Image.new("RGB", (9, 9)).save(other, "PNG")
    keep = photo.read_bytes()
    weather = Weather(script=(None, Fault.parse("stall_in_body:2")))  # the first is the free question
    with EmulatorThread(engine=EngineName.PLAIN, weather=weather) as emulator, ThreadPoolExecutor(1) as pool:
        url = emulator.url
        run = pool.submit(
            command, "run", str(photo), "--out", str(out), "--api-url", url, "--via-delta", "--json"
        )
        while not emulator.bill.totals.charges and not run.done():
            time.sleep(0.02)
        photo.write_bytes(other.getvalue())
        result = run.result()
    record = endings_told(result.out)[0]
    assert result.code == 10, result.err
    assert record["status"] == "lost"
    assert "do not belong together" in record["error"]["message"]
    assert record["credits_charged"] is not None
    photo.write_bytes(keep)
    ended = here("decode", str(photo), record["kept"], "-o", str(tmp_path / "rescued.png"))
    assert ended.code == 0
    rescued = pixels(tmp_path / "rescued.png")
    solid = rescued[..., 3] == 255
    assert solid.any()
    np.testing.assert_array_equal(rescued[solid][:, :3], rgb[solid])


def test_every_proven_layout_equals_a_direct_run_and_the_others_are_asked_for_as_png(tmp_path: Path) -> None:
    photos, mixed = tmp_path / "in", {**layouts.unproven()}
    mixed |= {name: data for name, (data, _pixels, _tolerance) in layouts.proven().items()}
    places = {}
    for number, (name, data) in enumerate(mixed.items()):
        places[name] = f"{number}.{name[:3].replace('TIF', 'tiff').replace('JPE', 'jpg').lower()}"
        put(photos / places[name], data)
    with EmulatorThread(engine=EngineName.PLAIN) as emulator:
        url = ("--api-url", emulator.url, "--json", "--verbose", "--min-free", "1MB")
        direct = command("run", str(photos), "--out", str(tmp_path / "direct"), *url)
        via = command("run", str(photos), "--out", str(tmp_path / "via"), *url, "--via-delta")
    assert '"status":"lost"' not in direct.out + via.out
    for name, place in places.items():
        asked = f"{place}: asked for as PNG, not by way of a Delta PNG: from {name}, a rebuild is not proven"
        assert (asked in via.err) == (name not in PROVEN), name
        cut = place.rpartition(".")[0] + ".png"
        if name in PROVEN or (tmp_path / "direct" / cut).exists():  # Pillow does not decode all the others
            shown, rebuilt = pixels(tmp_path / "direct" / cut), pixels(tmp_path / "via" / cut)
            seen = shown[..., 3] > 0
            assert (rebuilt[..., 3] == shown[..., 3]).all(), name
            assert (rebuilt[seen] == shown[seen]).all(), name
            if name in PROVEN:
                _data, own, tolerance = layouts.proven()[name]
                solid = shown[..., 3] == 255
                assert solid.any()
                assert np.abs(rebuilt[solid][:, :3].astype(int) - own[solid]).max() <= tolerance, name
