"""A photo's words and dates in its result: read back by Pillow, with the pixels as they were paid for."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin
from support.pictures import put
from support.told import endings_told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.workspaces import Workspace

XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf='
    '"http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"><dc:rights>Ann</dc:rights>'
    '<exif:GPSLatitude xmlns:exif="http://ns.adobe.com/exif/1.0/">1,2N</exif:GPSLatitude></rdf:Description></rdf:RDF>'
    '</x:xmpmeta><?xpacket end="w"?>'
).encode()
CAPTION, ARTIST, COPYRIGHT, ORIENTATION, CHANGED, TAKEN, SUB, GPS = (
    270,
    315,
    33432,
    274,
    306,
    36867,
    0x8769,
    0x8825,
)
KINDS = {"jpg": "JPEG", "png": "PNG", "tif": "TIFF"}
LONG_AGO = 1_500_000_000_123_456_700


def photo(kind: str, *, shade: int = 1) -> bytes:
    """A turned photo with all that is kept, and with what is not."""
    exif, out = Image.Exif(), io.BytesIO()
    exif[CAPTION], exif[ARTIST], exif[COPYRIGHT], exif[ORIENTATION] = "A shoe", "Ann", "(c) Ann", 6
    exif[CHANGED] = "2024:05:06 07:08:09"
    exif.get_ifd(SUB)[TAKEN] = "2024:05:01 10:11:12"
    exif.get_ifd(GPS)[1] = "N"
    options: dict[str, Any] = {"exif": exif, "dpi": (300, 300)}
    if kind == "png":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    elif kind == "jpg":
        options["xmp"] = XMP
    else:
        exif[700] = XMP
    Image.new("RGB", (16, 12), (shade, 90, 40)).save(out, KINDS[kind], **options)
    return out.getvalue()


def pixels(path: Path) -> tuple[str, tuple[int, int], bytes]:
    with Image.open(path) as image:
        return image.mode, image.size, image.tobytes()


@pytest.fixture
def home(workspace: Callable[..., Workspace]) -> Workspace:
    return workspace()


def check_kept(path: Path, *, sub: bool = True) -> None:
    with Image.open(path) as image:
        image.load()
        exif = image.getexif()
        assert [exif[tag] for tag in (CAPTION, ARTIST, COPYRIGHT)] == ["A shoe", "Ann", "(c) Ann"]
        assert exif[CHANGED] == "2024:05:06 07:08:09"
        if sub:
            assert exif.get_ifd(SUB)[TAKEN] == "2024:05:01 10:11:12"
        assert ORIENTATION not in exif, "the pixels are upright already"
        assert not exif.get_ifd(GPS)
        assert [round(number) for number in image.info["dpi"]] == [300, 300]
        xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
        xmp = xmp.encode() if isinstance(xmp, str) else bytes(xmp or b"")
        assert b"<dc:rights>Ann</dc:rights>" in xmp
        assert b"Orientation" not in xmp
        assert b"GPS" not in xmp


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("options", [(), ("--background-color", "#ffffff"), ("--via-delta",)])
def test_what_a_photo_says_is_in_its_result(home: Workspace, kind: str, options: tuple[str, ...]) -> None:
    put(home.photos / f"a.{kind}", photo(kind))
    plain = home.root / "plain"
    for out, more in ((plain, ()), (home.out, ("--keep-metadata",))):
        code, _, err = home.do("run", str(home.photos), "--out", str(out), *home.common, *options, *more)
        assert (code, "warning" in err) == (0, False), err
    [result] = home.out.glob("a.*")
    check_kept(result, sub=kind != "tif")  # Pillow writes none there
    assert pixels(result) == pixels(plain / result.name)
    _, told, _ = home.run("--keep-metadata", "--json", *options)
    assert endings_told(told)[0]["reason"] == "done", "the recorded size is the final one"
    assert home.emulator.bill.totals.charges == 2


def test_dates_are_the_photos(home: Workspace) -> None:
    put(home.photos / "a.jpg", photo("jpg"))
    put(home.photos / "copy.jpg", photo("jpg"))
    for number, name in enumerate(("a.jpg", "copy.jpg")):
        os.utime(home.photos / name, ns=(LONG_AGO, LONG_AGO + number * 10**9))
    assert home.run("--keep-dates", "--concurrency-max", "1", "--concurrency-start", "1")[0] == 0
    for name in ("a", "copy"):
        wanted = (home.photos / f"{name}.jpg").stat().st_mtime_ns
        assert (home.out / f"{name}.png").stat().st_mtime_ns == wanted, "a copy has a date of its own"
    assert home.emulator.bill.totals.charges == 1


def test_a_copy_gets_what_its_photo_says_though_the_first_was_bought_without(home: Workspace) -> None:
    put(home.photos / "a.png", photo("png"))
    assert home.run()[0] == 0
    for name in "bcd":
        put(home.photos / f"{name}.png", photo("png"))
    one_by_one = ("--concurrency-start", "1", "--concurrency-max", "1")
    assert home.run("--keep-metadata", "--keep-dates", *one_by_one)[0] == 0
    for name in "bcd":
        check_kept(home.out / f"{name}.png")
    assert pixels(home.out / "a.png") == pixels(home.out / "b.png")
    assert home.emulator.bill.totals.charges == 1
    assert list((home.out / ".pixian-batch" / "ledger.db.again").iterdir()) == []


def test_metadata_that_is_broken_never_fails_a_result(home: Workspace) -> None:
    broken = (
        photo("jpg")
        .replace(b"Exif\0\0MM\0*", b"Exif\0\0MM\xff\xff")
        .replace(b"Exif\0\0II*\0", b"Exif\0\0II\xff\xff")
    )
    put(home.photos / "a.jpg", broken)
    cut = photo("png", shade=2)
    at = cut.index(b"eXIf")
    put(home.photos / "b.png", cut[: at + 30] + b"\xff" * 40 + cut[at + 70 :])
    code, _, err = home.run("--keep-metadata")
    assert code == 0, err
    for name in ("a.png", "b.png"):
        with Image.open(home.out / name) as image:
            image.load()


def test_a_photo_that_is_gone_when_its_result_comes_is_told_and_the_result_stays(home: Workspace) -> None:
    """A small photo is sent from memory: it may be gone by then."""
    path = put(home.photos / "a.jpg", photo("jpg"))
    from pixian_batch.adapters.landing.describing import MetadataError, date_as, describe

    result = put(home.out / "a.png", photo("png"))
    os.unlink(path)
    for work in (lambda: describe(path, result, result + ".new"), lambda: date_as(path, result)):
        with pytest.raises(MetadataError, match="No such file"):
            work()
    assert (home.out / "a.png").read_bytes() == photo("png")


def test_a_profile_is_the_results_own(home: Workspace) -> None:
    """The service says with its result which space its pixels are in: that of the photo is not put over it."""
    out = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (16, 12), "red").save(out, "PNG", icc_profile=profile, dpi=(72, 72))
    put(home.photos / "a.png", out.getvalue())
    plain = home.root / "plain"
    for folder, more in ((plain, ()), (home.out, ("--keep-metadata",))):
        assert home.do("run", str(home.photos), "--out", str(folder), *home.common, *more)[0] == 0
    with Image.open(plain / "a.png") as before, Image.open(home.out / "a.png") as after:
        assert before.info.get("icc_profile") == after.info.get("icc_profile")
