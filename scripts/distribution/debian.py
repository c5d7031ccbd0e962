"""A Debian package around the program: the folder in /usr/lib, a link, man page, completions, copyright, changelog.

Made with dpkg-deb alone, from files that anybody can look at; nothing is run when it is installed or removed.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tempfile
from email.utils import formatdate
from pathlib import Path
from typing import Final

from scripts._setup import ROOT
from scripts.distribution import building
from scripts.distribution.building import BuildError, run

_PLACES: Final = {
    "bash": "usr/share/bash-completion/completions/pixian-batch",
    "zsh": "usr/share/zsh/vendor-completions/_pixian-batch",
    "fish": "usr/share/fish/vendor_completions.d/pixian-batch.fish",
}
_OURS: Final = ROOT / "scripts" / "packaging" / "deb"
_DOCS: Final = "usr/share/doc/pixian-batch"


def build(folder: Path, out: Path, version: str) -> Path:
    """The package of the program in `folder`. Raises `BuildError`."""
    if shutil.which("dpkg-deb") is None:
        raise BuildError("dpkg-deb is missing: a Debian package is made on Debian or Ubuntu")
    architecture = run(["dpkg", "--print-architecture"]).strip()
    with tempfile.TemporaryDirectory(prefix="pixian-batch-deb-") as name:
        tree = Path(name) / "tree"
        _fill(tree, folder, version)
        _describe(tree, folder, version, architecture)
        _tidy(tree)
        target = out / f"pixian-batch_{version}_{architecture}.deb"
        dated = os.environ | {"SOURCE_DATE_EPOCH": str(building.moment())}
        run(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(tree), str(target)], variables=dated)
    return target


def _fill(tree: Path, folder: Path, version: str) -> None:
    home = tree / "usr/lib/pixian-batch"
    shutil.copytree(folder, home, symlinks=True)
    _put(tree / "usr/bin", None)
    (tree / "usr/bin/pixian-batch").symlink_to("../lib/pixian-batch/pixian-batch")
    for shell, place in _PLACES.items():
        script = run([str(folder / "pixian-batch"), "--show-completion", shell], variables={})
        _put(tree / place, script.encode())
    manual = (ROOT / "docs/reference/pixian-batch.1").read_bytes()
    _put(tree / "usr/share/man/man1/pixian-batch.1.gz", gzip.compress(manual, 9, mtime=0))
    _put(tree / "usr/share/lintian/overrides/pixian-batch", (_OURS / "lintian-overrides").read_bytes())
    # The texts of the licences stand once, where Debian looks for them.
    terms = (
        (home / "LICENSE").read_text(encoding="utf-8"),
        (home / "THIRD-PARTY.txt").read_text(encoding="utf-8"),
    )
    _put(tree / _DOCS / "copyright", "\n".join(terms).encode())
    for name in ("LICENSE", "THIRD-PARTY.txt"):
        (home / name).unlink()
    _put(tree / _DOCS / "changelog.gz", gzip.compress(_changelog(version).encode(), 9, mtime=0))


def _changelog(version: str) -> str:
    """One entry, of the form that dpkg's tools read."""
    what = "  * What users observe stands in CHANGELOG.md of the sources."
    who = f" -- The pixian-batch founders <pixian-batch@localhost>  {formatdate(building.moment())}"
    return f"pixian-batch ({version}) unstable; urgency=medium\n\n{what}\n\n{who}\n"


def _describe(tree: Path, folder: Path, version: str, architecture: str) -> None:
    sizes = (path.stat().st_size for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    words = {
        "version": version,
        "architecture": architecture,
        "kilobytes": str(-(-sum(sizes) // 1024)),
        "libc": needed_libc(folder),
    }
    _put(tree / "DEBIAN/control", (_OURS / "control").read_text(encoding="utf-8").format(**words).encode())


def needed_libc(folder: Path) -> str:
    """The oldest C library with which everything in `folder` loads, as its symbols say: `2.34`."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    built = [str(path) for path in files if path.name == "pixian-batch" or ".so" in path.suffixes]
    return newest_libc(run(["objdump", "-p", *built]))


def newest_libc(told: str) -> str:
    """The newest of all versions of the C library that objdump has named."""
    versions = {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_(\d+(?:\.\d+)+)", told)}
    return ".".join(map(str, max(versions)))


def _put(path: Path, content: bytes | None) -> None:
    """A file with its folders; None: a folder."""
    (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
    if content is not None:
        path.write_bytes(content)


def _tidy(tree: Path) -> None:
    """Rights as Debian wants them, whatever the umask here: libraries are not executable, the program is."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path == tree / "usr/lib/pixian-batch/pixian-batch"
            path.chmod(0o755 if runs else 0o644)
