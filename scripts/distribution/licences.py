"""What is bundled, and on which terms: THIRD-PARTY.txt beside the program, written from what its authors ship.

A library that comes without a text and without a word about its licence fails the build: it may not be passed on.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from scripts._setup import ROOT, SetupError
from scripts.distribution import building

_TOOLS: Final = frozenset({"pip", "setuptools", "pixian-batch", "altgraph", "pyinstaller-hooks-contrib"})
"""In the environment, not in the program. PyInstaller's own loader is in it."""
_LIST: Final = """
import json, pathlib, sys, sysconfig
from importlib.metadata import distributions
found = []
for one in distributions():
    words = one.metadata
    texts = [str(file.locate()) for file in one.files or ()
             if file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS", "THIRDPARTY"))
             and file.suffix.lower() in {"", ".txt", ".md", ".rst", ".apache", ".bsd", ".mit", ".apache2", ".psf"}]
    terms = words.get("License-Expression") or "; ".join(
        text.rpartition(" :: ")[2] for text in words.get_all("Classifier") or () if text.startswith("License ::")
    ) or (words.get("License") or "").split("\\n")[0]
    pages = [text.partition(", ")[2] for text in words.get_all("Project-URL") or ()]
    found.append({"name": words["Name"], "version": words["Version"], "terms": terms, "texts": sorted(set(texts)),
                  "page": words.get("Home-page") or next(iter(pages), "")})
python = pathlib.Path(sysconfig.get_path("stdlib"), "LICENSE.txt")
print(json.dumps({"libraries": found, "python": [sys.version.split()[0], str(python)]}))
"""
_RULE: Final = "=" * 78


def write(python: Path, folder: Path) -> None:
    """LICENSE and THIRD-PARTY.txt into the program's folder. Raises `SetupError` for a library without terms."""
    told = json.loads(building.run([str(python), "-c", _LIST]))
    libraries = sorted(
        (one for one in told["libraries"] if one["name"].lower() not in _TOOLS),
        key=lambda one: one["name"].lower(),
    )
    silent = [one["name"] for one in libraries if not one["terms"] and not one["texts"]]
    if silent:
        raise SetupError(f"On which terms may these be passed on? They do not say: {', '.join(silent)}")
    version, text = told["python"]
    runtime = {"name": "Python", "version": version, "terms": "PSF-2.0", "page": "https://www.python.org/"}
    parts = [_part(runtime | {"texts": [text] if Path(text).exists() else []}), *map(_part, libraries)]
    head = "pixian-batch itself: see LICENSE. This program holds the following works of others, on their terms.\n"
    (folder / "THIRD-PARTY.txt").write_text(
        "\n".join([head, *parts, *_of_the_system(folder)]), encoding="utf-8"
    )
    shutil.copy2(ROOT / "LICENSE", folder / "LICENSE")


def _part(one: dict[str, Any]) -> str:
    head = f"{_RULE}\n{one['name']} {one['version']}\nLicence: {one['terms'] or 'as below'}\n{one['page']}\n"
    texts = [Path(text).read_text(encoding="utf-8", errors="replace") for text in one["texts"]]
    return "\n".join([head, *dict.fromkeys(texts)])


def _of_the_system(folder: Path) -> list[str]:
    """The shared libraries that came from the system where this was built, with its packages' own words about them."""
    if sys.platform != "linux" or shutil.which("dpkg") is None:
        return []
    packages: dict[str, list[str]] = {}
    for path in sorted((folder / "_internal").glob("lib*.so*")):
        if (
            not path.is_symlink()
            and not path.name.startswith("libpython")
            and (owner := _package_of(path.name))
        ):
            packages.setdefault(owner, []).append(path.name)
    return [_system_part(package, names) for package, names in packages.items()]


def _package_of(name: str) -> str:
    """The Debian package that a library with this name is of, "" for none."""
    told = building.run(["dpkg", "-S", f"*/{name}"], codes=(0, 1))
    return next((line.split(":")[0] for line in told.splitlines() if line.endswith(f"/{name}")), "")


def _system_part(package: str, names: list[str]) -> str:
    text = Path("/usr/share/doc") / package / "copyright"
    words = text.read_text(encoding="utf-8", errors="replace") if text.exists() else ""
    return f"{_RULE}\n{', '.join(names)} (of the system's package {package})\n\n{words}"
