"""The built program, tried: with an empty environment, and in a root that holds a C library and nothing else.

Its pictures must be those of the ordinary installation, byte for byte, since the libraries are the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from scripts._setup import ROOT, say
from scripts.distribution import building
from scripts.distribution.building import BuildError, run

_SAMPLES: Final = ROOT / "docs" / "samples"
_STARTS: Final = 7
_PHOTOS: Final = 4
_ABOUT_THE_PROCESSOR: Final = (
    "/proc/cpuinfo",
    *(f"/sys/devices/system/cpu/{name}" for name in ("possible", "present", "online", "kernel_max")),
)
"""What the engine asks, and every container has: it picks its arithmetic by that, and a pixel is one lighter by another."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is tried. start: argv that starts it there; inside: where a folder of `out` stands when seen from there."""

    start: tuple[str, ...]
    samples: str
    out: Path
    inside: str
    variables: dict[str, str]

    def run(self, *words: str) -> str:
        """Standard output; raises `BuildError` when it does not end with 0."""
        return run([*self.start, *words], variables=self.variables)


def try_all(folder: Path, python: Path) -> None:
    """Raises `BuildError` when the program is not the ordinary installation in all that is tried."""
    program = folder / ("pixian-batch.exe" if sys.platform == "win32" else "pixian-batch")
    with tempfile.TemporaryDirectory(prefix="pixian-batch-program-") as name:
        away = Path(name)
        expected = _everything(
            _here((str(python), "-m", "pixian_batch"), away / "ordinary", dict(os.environ))
        )
        _compare(
            _everything(_here((str(program),), away / "frozen", _empty())), expected, "an empty environment"
        )
        _starts(program)
        if sys.platform != "linux" or os.geteuid() != 0:
            say("-- not tried: a root without Python (that needs Linux, and to be root)")
            return
        place = _bare_root(away / "root", folder)
        _compare(_everything(place), expected, "a root without Python")


def _here(start: tuple[str, ...], out: Path, variables: dict[str, str]) -> Place:
    out.mkdir()
    return Place(start, str(_SAMPLES), out, str(out), variables)


def _empty() -> dict[str, str]:
    """Windows cannot even open a socket without SystemRoot."""
    return {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}


def _everything(place: Place) -> dict[str, bytes]:
    """What all commands that are tried have made, by path; those that only speak must say the right thing."""
    said = place.run("--version")
    if said != f"pixian-batch {building.version()}\n":
        raise BuildError(f"--version said {said!r}")
    cut, shop = f"{place.inside}/cut", f"{place.inside}/shop"
    place.run(place.samples, "--out", cut, "--local", "--quiet")
    told = place.run("doctor", "--out", cut, "--local")
    if not re.search(r"(?m)^ok +engine +u2netp loads", told):
        raise BuildError(f"doctor said:\n{told}")
    # Two processes: each is the program itself, started again.
    place.run("render", cut, "--recipe", "amazon-main", "--to", shop, "--jobs", "2")
    place.run("report", cut)
    if not (place.out / "cut/.pixian-batch/report/index.html").exists():
        raise BuildError("report made no page")
    found = [path for path in place.out.rglob("*") if path.is_file() and ".pixian-batch" not in path.parts]
    pictures = {
        str(path.relative_to(place.out)): path.read_bytes()
        for path in found
        if path.suffix in {".png", ".jpg"}
    }
    if len(pictures) != 2 * _PHOTOS:
        raise BuildError(f"{2 * _PHOTOS} pictures were expected, not {sorted(pictures)}")
    return pictures


def _compare(made: dict[str, bytes], expected: dict[str, bytes], where: str) -> None:
    differing = [name for name in expected if made.get(name) != expected[name]]
    if differing or made.keys() != expected.keys():
        raise BuildError(
            f"In {where} these are not those of the ordinary installation: {differing or sorted(made)}"
        )
    say(f"-- in {where}: --version, doctor, --local, render, report; {len(made)} pictures, all the same")


def _starts(program: Path) -> None:
    for words in (("--version",), ("--help",), ("run", "--help")):
        took = median(_seconds([str(program), *words]) for _ in range(_STARTS))
        say(f"-- {' '.join(words)}: {took * 1000:.0f} ms")


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    run(command)
    return time.perf_counter() - begun


def _bare_root(root: Path, folder: Path) -> Place:
    """A root with the program, the samples and the system's C library: no shell, no Python, no /etc, no /tmp."""
    shutil.copytree(folder, root / "opt" / "pixian-batch", symlinks=True)
    shutil.copytree(_SAMPLES, root / "photos")
    (root / "out").mkdir()
    for library in (*sorted(_outside(folder)), *_ABOUT_THE_PROCESSOR):
        if not os.path.exists(library):
            continue
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(library, target)
        target.chmod(0o755)
    start = ("chroot", str(root), "/opt/pixian-batch/pixian-batch")
    return Place(start, "/photos", root / "out", "/out", {"PATH": os.defpath + ":/usr/sbin:/sbin"})


def _outside(folder: Path) -> set[str]:
    """The libraries of the system that anything in the folder needs: what its user's system must have."""
    built = [str(path) for path in folder.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    told = _ldd(built, str(folder / "_internal"))
    told += _ldd([str(folder / "pixian-batch")], "")  # the loader: it finds nothing inside yet
    paths = set(re.findall(r"(?:=> |^\t)(/\S+) \(0x", told, flags=re.MULTILINE))
    return {path for path in paths if not path.startswith(str(folder))}


def _ldd(files: list[str], search: str) -> str:
    variables = os.environ | {"LD_LIBRARY_PATH": search}
    return subprocess.run(["ldd", *files], capture_output=True, text=True, env=variables, check=False).stdout
