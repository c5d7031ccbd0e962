"""The pages: what is generated is current, and every command line shown is one that the program takes."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from support import doors, forks
from support.commands import PATIENCE, command, serving
from support.emulators import EmulatorThread
from support.pictures import picture, put
from support.shop_pictures import product, put_picture

from pixian_batch.cli import app
from pixian_batch.cli.app import with_default_command
from pixian_batch.cli.configuration.files import take_choice
from pixian_batch.cli.options import PlanOptions, RunOptions
from pixian_batch.cli.request import read_pace, read_spec
from pixian_batch.cli.shared import check_api_url

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+)[^\n]*\n(?P<text>.*?)^(?P=indent)```", re.DOTALL | re.MULTILINE
)
_SHELL = {"console", "sh", "bash", "shell"}
_OWN = {"--install-completion", "--show-completion", "--version", "--help", "-h", "-V"}


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def command_lines(page: Path) -> list[str]:
    """The lines of a page's shell blocks that call the program; continued lines are joined."""
    lines: list[str] = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["kind"] not in _SHELL:
            continue
        for line in block["text"].replace("\\\n", " ").splitlines():
            text = line.strip().removeprefix("$ ")
            if calls(text):
                lines.append(text)
    return lines


def calls(line: str) -> list[list[str]]:
    """The words of each call of the program in a shell line, without redirections."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>()")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        words = list(lexer)
    except ValueError:  # a quote that ends in another line: a script, not a command
        return []
    each: list[list[str]] = []
    current: list[str] | None = None
    waiting = iter(words)
    for word in waiting:
        if set(word) <= set("|;&()"):
            current = None
        elif set(word) <= set("<>&"):
            next(waiting, None)
        elif current is not None:
            current.append(word)
        elif os.path.basename(word) == "pixian-batch":
            current = []
            each.append(current)
    return each


KINDS = {"run": RunOptions, "plan": PlanOptions}
SHOWN = [(page.name, line) for page in pages() for line in dict.fromkeys(command_lines(page))]


def test_a_command_line_that_is_shown_is_one_that_the_program_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Parsed and made sense of by the real code, not run: most would buy something, or serve until Ctrl-C.
    # `--out` may come from a project's file there.
    monkeypatch.setenv("PIXIAN_BATCH_OUT", "cut")
    parser = app.parser(list(app.COMMANDS))
    for page, line in SHOWN:
        try:
            for words in calls(line):
                is_taken(parser, words)
        except BaseException as error:
            error.add_note(f"{page}: {line}")
            raise


def is_taken(parser: Any, called: list[str]) -> None:
    words, _choice = take_choice(called)
    if not words or words[0] in _OWN:
        return
    words = with_default_command(words, app.COMMANDS)
    assert words[0] in app.COMMANDS
    if {"--help", "-h"} & set(words):
        return
    chosen = parser.commands[words[0]]
    # `OUT` of a command about runs may come from the file, too.
    with chosen.make_context(words[0], words[1:], default_map={"out": "cut"}) as context:
        if words[0] in KINDS:
            here = {"context": context, "engine_model": None}  # that file would be read
            makes_sense(KINDS[words[0]](**context.params | here))


def makes_sense(options: RunOptions | PlanOptions) -> None:
    """The values are ones that the program takes; the files they name need not be there."""
    read_pace(options, read_spec(options))
    check_api_url(options.api_url)
    assert options.paths or options.files_from


@pytest.mark.slow
def test_the_tutorials_free_commands_do_what_it_says(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `local`")
    photos = tmp_path / "photos" / "shoes"
    photos.mkdir(parents=True)
    (photos / "a.png").write_bytes((ROOT / "docs" / "samples" / "cat.png").read_bytes())
    lines = command_lines(ROOT / "docs" / "tutorial" / "first-run.md")
    free = [line for line in lines if "--local" in line or line.split()[1] in {"plan", "status"}]
    assert len(free) >= 4
    for line in free:
        (words,) = calls(line)
        ran = command(*words, env={"HOME": str(tmp_path)}, cwd=str(tmp_path))
        assert ran.code == 0, (line, ran.err)
    assert (tmp_path / "cut" / "shoes" / "a.png").is_file()


# Waits for Ctrl-C, asks a person, needs what was bought before, writes a file that is there already, changes the shell's start-up files, belongs to somebody's server, or names
# images in doubt by their numbers; installs into the system, or asks for an engine that runs containers.
# `./rehearsed` has a test of its own, in which its lines follow each other.
NOT_RUN = (
    "serve",
    "login",
    "--init",
    "redo ",
    "--install-completion",
    "/srv/",
    " 17 ",
    "./rehearsed",
    "sudo ",
    "docker ",
)


RUN = [
    line
    for line in dict.fromkeys(line for page in pages() for line in command_lines(page))
    if not any(part in line for part in NOT_RUN)
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxruntime", reason="the extra `local`")
    return a_place_to_run(tmp_path_factory.mktemp("pages") / "prepared")


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorThread]:
    running = EmulatorThread(credits=Decimal(1000))
    yield running
    running.stop()


def test_most_of_the_lines_are_run() -> None:
    assert len(RUN) > 30


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the lines are for a POSIX shell")
@pytest.mark.parametrize("line", RUN)
def test_every_command_line_that_is_shown_runs(
    line: str, prepared: Path, emulator: EmulatorThread, tmp_path: Path
) -> None:
    ran = subprocess.run(
        ["bash", "-c", line],
        cwd=shutil.copytree(prepared, tmp_path / "here"),
        env=an_environment(tmp_path, emulator.url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()


def a_place_to_run(folder: Path) -> Path:
    """What the pages take for granted: photos, a list, a delta with its original, a run that has been."""
    photos = folder / "photos"
    for name, sample in {"a.jpg": "coffee.png", "b/c.png": "astronaut.png"}.items():
        os.makedirs((photos / name).parent, exist_ok=True)
        with Image.open(ROOT / "docs/samples" / sample) as subject:
            subject.convert("RGB").resize((96, 72)).save(photos / name)
    put(folder / "photo.jpg", picture("jpg", shade=3, size=(24, 18)))
    Image.new("RGBA", (24, 18), (255, 255, 255, 0)).save(folder / "photo.delta.png")
    (folder / "list.txt").write_text("photos/a.jpg\n", encoding="utf-8")
    put_picture(folder / "shop" / "a.jpg", product((1000, 1000)), quality=90)
    (folder / "my-shop.toml").write_text('[profile.my-shop.error]\naspect = "1:1"\n', encoding="utf-8")
    (folder / "recipes.toml").write_text('[recipe.front]\nbased_on = "ebay"\n', encoding="utf-8")
    (folder / "pixian-batch.toml").write_text(
        'out = "cut"\n[profile.shop]\nmargin = "5%"\n', encoding="utf-8"
    )
    program = folder / "bin" / "pixian-batch"
    doors.program(program)
    before = [str(program), "photos/a.jpg", "--out", "cut", "--local", "--quiet"]
    subprocess.run(before, cwd=folder, env=an_environment(folder, "http://127.0.0.1:9"), check=True)
    shutil.copytree(folder / "cut", folder / "old")
    locking = [str(program), "photos", "--out", "locked", "--local", "--quiet", "--lock", "pixian.lock"]
    subprocess.run(locking, cwd=folder, env=an_environment(folder, "http://127.0.0.1:9"), check=True)
    return folder


def an_environment(home: Path, url: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PIXIAN_")}
    return {
        **ours,
        "HOME": str(home),
        "PATH": f"bin{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": forks.PACKAGE,
        "PIXIAN_API_ID": "id",
        "PIXIAN_API_SECRET": "secret",
        "PIXIAN_BATCH_API_URL": url,
        "PIXIAN_BATCH_MIN_FREE": "1MB",
    }


def test_the_pages_show_every_command() -> None:
    shown = {words[0] for _page, line in SHOWN for words in calls(line) if words}
    assert set(app.COMMANDS) - {"run"} - shown == set()


def test_a_line_is_taken_apart_as_a_shell_does() -> None:
    line = "find . -print0 | /opt/bin/pixian-batch --files-from - -0 --out 'a b' > x 2>&1 && pixian-batch status c # it"
    assert calls(line) == [["--files-from", "-", "-0", "--out", "a b", "2"], ["status", "c"]] or calls(
        line
    ) == [
        ["--files-from", "-", "-0", "--out", "a b"],
        ["status", "c"],
    ]
    assert calls("# pixian-batch x") == []


def test_the_glossary_is_in_order_and_names_what_there_is() -> None:
    rows = re.findall(
        r"(?m)^\| ([^|`]+) \| [^|]+ \| (.+) \|$", (ROOT / "docs" / "glossary.md").read_text("utf-8")
    )
    terms = [term for term, _types in rows[1:]]
    assert len(terms) > 20
    assert terms == sorted(terms, key=str.casefold)
    code = "".join(path.read_text("utf-8") for path in (ROOT / "pixian_batch").rglob("*.py"))
    names = set(re.findall(r"(?:class|def) (\w+)|(?m:^(\w+):)", code))
    known = {name for pair in names for name in pair}
    assert [
        name for _term, types in rows for name in re.findall(r"`(\w+)`", types) if name not in known
    ] == []


def test_the_messages_of_the_troubleshooting_page_are_the_programs() -> None:
    page = (ROOT / "docs" / "how-to" / "troubleshooting.md").read_text("utf-8")
    messages = re.findall(r"(?m)^\*\*`([^`]+)`\*\*$", page)
    assert len(messages) > 20
    texts = [text for path in (ROOT / "pixian_batch").rglob("*.py") for text in texts_of(path)]
    unknown = {
        part
        for message in messages
        for part in (piece.strip(" …:;()") for piece in message.split("…"))
        if len(part) > 3 and not any(part in text for text in texts)
    }
    assert unknown == set(), "the program says something else now"


def texts_of(path: Path) -> Iterator[str]:
    """The texts of a module, those with values in them with `…` in the values' places."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


def test_the_generated_pages_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    from scripts import build_reference  # importable only now

    for name, text in build_reference.pages().items():
        advice = f"{name} is out of date: run python3 scripts/build_reference.py"
        assert (ROOT / name).read_text(encoding="utf-8") == text, advice


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra `docs`")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--quiet",
            "-f",
            "scripts/mkdocs.yml",
            "-d",
            str(tmp_path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="the lines are for a POSIX shell")
def test_a_doubt_is_rehearsed_and_reconciled_to_the_letter(tmp_path: Path) -> None:
    """The page's own lines, in order; only the port is one that is free."""
    page = (ROOT / "docs" / "how-to" / "rehearse.md").read_text("utf-8")
    section = page[page.index("## Rehearse a doubt") :]
    serve, before, reconcile, after = [
        block["text"] for block in _BLOCK.finditer(section) if block["kind"] == "sh"
    ][:4]
    here = a_place_to_run(tmp_path / "here")
    for shade in range(3):
        put(here / "three" / f"{shade}.png", picture("png", shade=shade, size=(400, 300)))
    [words] = calls(serve.strip())
    assert words[:3] == ["serve", "--port", "8080"]

    def do(text: str) -> tuple[int, str]:
        lines = "".join(line for line in before.splitlines(keepends=True) if line.startswith("export"))
        script = f"{lines}{text}".replace("http://127.0.0.1:8080", url.removesuffix("/api/v2"))
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=here,
            env=an_environment(tmp_path, ""),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return ran.returncode, ran.stdout + ran.stderr

    with serving(*words[3:]) as url:
        account, run = [line for line in before.splitlines() if line.startswith("pixian-batch")]
        assert "100.00" in do(account)[1]
        assert do(run)[0] == 10
        code, said = do(reconcile)
        assert (code, "all can have been charged" in said) == (0, True), said
        code, said = do(f"set -e\n{after}")
        assert code == 0, said
        with urllib.request.urlopen(url.replace("/api/v2", "/emulator/bill")) as answer:  # noqa: S310  # our own server
            charged = Decimal(json.load(answer)["totals"]["charged"])
        known = [line.split() for line in said.splitlines() if line.startswith("total")][-1]
        assert Decimal(known[3]) + Decimal(known[5]) == charged
        assert f"{100 - charged}" in do(account)[1]
