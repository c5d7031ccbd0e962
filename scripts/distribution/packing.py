"""The whole way, from the command line: program, licences, a try, then archive, Debian package, checksums."""

from __future__ import annotations

import argparse
import hashlib
import platform
import sys
import tarfile
import zipfile
from pathlib import Path

from scripts._setup import ROOT, SetupError, say
from scripts.distribution import building, debian, licences, trying
from scripts.distribution.building import moment, version


def main(arguments: list[str]) -> int:
    """Build, try and pack, as the command line says. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="build_program.py", description="Build the one-folder program.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "program", help="where the archives go")
    parser.add_argument("--deb", action="store_true", help="make a Debian package, too (needs dpkg-deb)")
    parser.add_argument("--no-try", action="store_true", help="do not run what was built")
    given = parser.parse_args(arguments)
    try:
        _build_all(given.out.absolute(), deb=given.deb, try_it=not given.no_try)
    except SetupError as refused:
        say(str(refused))
        return 1
    return 0


def _build_all(out: Path, *, deb: bool, try_it: bool) -> None:
    python = building.environment()
    folder = building.freeze(python)
    licences.write(python, folder)
    if try_it:
        trying.try_all(folder, python)
    out.mkdir(parents=True, exist_ok=True)
    packed = [pack(folder, out)]
    if deb:
        packed.append(debian.build(folder, out, version()))
    write_sums(out / "SHA256SUMS", packed)
    for path in packed:
        say(f"{path.stat().st_size / 1e6:.0f} MB  {path}")


def pack(folder: Path, out: Path) -> Path:
    """The archive of `folder`: a zip for Windows, else a .tar.gz, its one folder named after version and system."""
    system = {"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    name = f"pixian-batch-{version()}-{system}-{platform.machine().lower()}"
    return _zipped(folder, out, name) if sys.platform == "win32" else _tarred(folder, out, name)


def _tarred(folder: Path, out: Path, name: str) -> Path:
    def nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = moment()
        return member

    target = out / f"{name}.tar.gz"
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder, name, filter=nobodys)
    return target


def _zipped(folder: Path, out: Path, name: str) -> Path:
    target = out / f"{name}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, Path(name) / path.relative_to(folder))
    return target


def write_sums(target: Path, files: list[Path]) -> None:
    """As sha256sum writes them, so that `sha256sum --check` reads them."""
    lines = []
    for path in files:
        with path.open("rb") as opened:
            lines.append(f"{hashlib.file_digest(opened, 'sha256').hexdigest()}  {path.name}\n")
    target.write_text("".join(lines), encoding="utf-8", newline="\n")
