"""The real engine (`network.py`, `cutting.py`) on real and drawn pictures, and its weights."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from pixian_batch.emulator import engine as engines
from pixian_batch.emulator.engine import Engine, EngineMissingError, load_engine

if TYPE_CHECKING:
    from numpy.typing import NDArray

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
WEIGHTS = Path(engines.__file__).parent / "weights"


@pytest.fixture(scope="module")
def engine() -> Engine:
    pytest.importorskip("onnxruntime", reason="the local engine's runtime is not installed")
    # As the emulator does, on a thread of its own: the runtime has the thread that loads it take the smallest
    # numbers for zero from then on, which the tests that come after this one would notice.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(load_engine, threads=1).result()


def astronaut() -> NDArray[np.uint8]:
    with Image.open(HERE / "data" / "astronaut.jpg") as image:
        return np.asarray(image.convert("RGB"))


def ball(height: int, width: int, radius: float) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A shaded red ball before a grey wall, and where it is."""
    rows, columns = np.mgrid[:height, :width]
    up, right = (rows - height / 2) / radius, (columns - width / 2) / radius
    mask: NDArray[np.bool_] = up * up + right * right < 1
    light = np.clip(1 - 0.6 * np.hypot(up + 0.4, right + 0.4), 0.15, 1)[..., np.newaxis]
    wall = (205 - 40 * rows / height)[..., np.newaxis] * np.ones(3)
    return np.where(mask[..., np.newaxis], light * (220, 40, 30), wall).astype(np.uint8), mask


def overlap(alpha: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    subject = alpha >= 128
    return float((subject & mask).sum() / (subject | mask).sum())


def test_a_real_portrait_is_cut_out(engine: Engine) -> None:
    alpha = engine.matte(astronaut())
    assert alpha.shape == (320, 320)
    assert alpha.dtype == np.uint8
    assert (alpha[200:280, 60:120] == 255).all(), "the suit is solid"
    assert (alpha[40:90, 125:165] == 255).all(), "so is the face"
    assert alpha[:100, 200:].max() == 0, "the wall is gone"
    assert 0.4 < (alpha >= 128).mean() < 0.7


@pytest.mark.parametrize("shade", [0, 255])
def test_an_empty_page_has_no_foreground(engine: Engine, shade: int) -> None:
    assert engine.matte(np.full((240, 360, 3), shade, np.uint8)).max() == 0


@pytest.mark.parametrize(("size", "radius"), [((300, 400), 90), ((600, 900), 40)], ids=["large", "small"])
def test_a_clear_subject_is_found_with_its_edge(engine: Engine, size: tuple[int, int], radius: int) -> None:
    rgb, mask = ball(*size, radius)
    assert overlap(engine.matte(rgb), mask) > 0.95


def test_a_small_subject_is_looked_at_again_from_near(engine: Engine) -> None:
    rgb = astronaut()
    portrait = Image.fromarray(np.dstack([rgb, engine.matte(rgb)])).resize(
        (120, 120), Image.Resampling.LANCZOS
    )
    page = Image.new("RGB", (1200, 900), (190, 192, 198))
    page.paste(portrait, (400, 225), portrait)
    mask = np.zeros((900, 1200), np.bool_)
    mask[225:345, 400:520] = np.asarray(portrait)[..., 3] >= 128
    alpha = engine.matte(np.asarray(page))
    assert overlap(alpha, mask) > 0.975  # one look alone gives 0.963
    assert np.abs(alpha / 255 - mask).sum() < 0.04 * mask.sum()  # and 0.062


def test_the_network_is_fed_as_its_authors_do(engine: Engine) -> None:
    """RGB over its maximum, then the mean and deviation of ImageNet, channels first."""
    from pixian_batch.emulator.engine.cutting import Cutter

    assert isinstance(engine, Cutter)
    network = engine.network
    rgb = astronaut()
    batch = np.empty((1, 3, 320, 320), np.float32)
    for channel, (mean, deviation) in enumerate([(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)]):
        batch[0, channel] = (rgb[..., channel] / rgb.max() - mean) / deviation
    (wanted,) = network._session.run(None, {"input.1": batch})
    assert np.abs(network.look(Image.fromarray(rgb)) - wanted[0, 0]).max() < 1e-3


@pytest.mark.parametrize("shape", [(1, 1), (1, 400)])
def test_extreme_shapes_are_answered(engine: Engine, shape: tuple[int, int]) -> None:
    assert engine.matte(np.full((*shape, 3), 90, np.uint8)).shape == shape


def test_threads_get_the_same_answers_as_one_by_one(engine: Engine) -> None:
    pictures = [astronaut(), ball(200, 300, 90)[0]]
    alone = [engine.matte(rgb) for rgb in pictures]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(engine.matte, pictures))
    assert all((one == other).all() for one, other in zip(alone, together, strict=True))


def test_one_engine_a_process(engine: Engine) -> None:
    assert load_engine() is engine


def test_without_the_runtime_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_loaded", {})
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "pixian_batch.emulator.engine.network", raising=False)
    with pytest.raises(EngineMissingError, match=r"pip install 'pixian-batch\[local\]'"):
        load_engine()


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = (
        "import sys, pixian_batch.emulator.engine; print(*{'onnxruntime', 'numpy', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.strip() == ""


def test_licence_and_origin_travel_with_the_weights() -> None:
    assert "Apache License" in (WEIGHTS / "LICENSE").read_text()
    assert "Xuebin Qin" in (WEIGHTS / "NOTICE").read_text()
