"""Whatever is done wrong is told in one shape, `error: ` and then the next step, and in no library's language."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.commands import Result, here
from support.emulators import EmulatorThread
from support.pictures import picture, put
from support.wires import refusing_port

from pixian_batch.cli import app
from pixian_batch.cli.telling import BEGINNING

SAMPLE = str(Path(__file__).parents[2] / "docs" / "samples" / "cat.png")
THEIRS = re.compile(
    r"Traceback|Errno|Exception|Error\b|_ssl|\[SSL|CERTIFICATE_VERIFY|0x[0-9a-f]{6}"
    r"|Input should|validation error|pydantic"
    r"|Usage:|Try '|Invalid value|unexpected extra|No such option|Missing (option|argument|parameter)"
    r"|requires an argument|does not take a value|is not a valid|is not in the range|Got unexpected"
    r"|Cannot connect to host|Server disconnected|Connect call failed|ssl:"
    r"|database is|no such (table|column)|malformed|disk I/O|unable to open database|not a database|SQLite"
    r"|Expecting (value|property)|Extra data|Expected '='|Invalid (statement|character)|Unterminated"
    r"|cannot identify|BytesIO|broken data stream|file is truncated|decoder|unpack requires"
    r"|codec|can't decode|No closing quotation|NoneType|has no attribute|must be str|invalid literal|isoformat"
)
"""Words of typer, click, pydantic, ssl, aiohttp, OSError, SQLite, json, tomllib, Pillow and Python."""


def judge(result: Result, *, code: int = 2) -> None:
    """One problem and its next step on standard error, nothing on standard output, and nobody else's words."""
    assert (result.code, result.out) == (code, ""), result.err
    first, *steps = result.err.splitlines()
    assert first.startswith(BEGINNING), result.err
    assert steps, result.err
    assert all(step.startswith("  ") and step.strip() for step in steps), result.err
    assert not THEIRS.search(result.err), result.err


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    put(tmp_path / "photos" / "a.jpg", picture("jpg"))
    for name in ("API_ID", "API_SECRET", "API_SECRET_FILE", "BATCH_CREDENTIALS_COMMAND"):
        monkeypatch.delenv(f"PIXIAN_{name}", raising=False)
    return tmp_path


# --- command lines -------------------------------------------------------------------------------

NEEDED = {
    "run": [SAMPLE, "--out", "x"], "plan": [SAMPLE, "--out", "x"], "status": ["photos"], "clean": ["photos"], "export": ["photos"],
    "redo": [SAMPLE, "--out", "x"], "resolve": ["photos"],
    "report": ["photos"], "render": ["photos", "--to", "x", "--recipe", "web-2x"], "check": [SAMPLE, "--profile", "ebay"],
    "reconcile": ["photos"], "decode": [SAMPLE, SAMPLE, "--out", "x.png"],
}  # fmt: skip


READS_FILES = {"run", "plan", "config", "status", "resolve", "reconcile", "account", "doctor", "login"}


@pytest.mark.parametrize("name", app.COMMANDS)
def test_what_no_command_takes(name: str) -> None:
    given = NEEDED.get(name, [])
    wrong = [["--no-such-thing"], ["-Z"], ["--help=yes"], ["--profile"], ["--config"]]
    if name in READS_FILES:
        wrong += [["--profile", "none"], ["--config", "none", "--profile", "shop"]]
    for words in wrong:
        judge(here(name, *given, *words))
    if name not in {"run", "plan", "config", "resolve"}:
        judge(here(name, *given, "one", "two", "three", "four"))
    if name in NEEDED:
        judge(here(name))


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_option_of_every_command_without_its_value_or_with_a_wrong_one(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A switch is given a value, all others none; numbers, times and sizes are given a word, by flag and variable."""
    command = app.parser([name]).commands[name]  # made once: it takes longer than all the rest
    given = NEEDED.get(name, [])

    def tried(*words: str) -> Result:
        code = command.run([*given, *words], defaults={}, choice=None)
        return Result(int(code), *capsys.readouterr())

    for param in [param for param in command.params if param.param_type_name == "option"]:
        flag = param.opts[0]
        judge(tried(f"{flag}=true" if param.is_flag else flag))
        if param.is_flag:
            monkeypatch.setenv(str(param.envvar), "perhaps")
            wrong = tried()
            monkeypatch.delenv(str(param.envvar))
            judge(wrong)
            assert str(param.envvar) in wrong.err
        elif (param.metavar or "") in {"N", "TIME"} and not param.multiple and name != "config":
            judge(tried(flag, "many"))


@pytest.mark.parametrize(
    ("words", "error", "step"),
    [
        (["./photos", "./cut"], "--out is missing: where do the results go?", "pixian-batch ./photos --out ./cut"),
        (["photos", "my cut", "--local"], "--out is missing", "pixian-batch photos --out 'my cut' --local"),
        (["./photos"], "--out is missing", "for example: pixian-batch ./photos --out ./cut"),
        (["plan", "photos"], "--out is missing", "for example: pixian-batch plan photos --out ./cut"),
        (["version"], "'version' is no command here", "pixian-batch --version"),
        (["completion", "zsh"], "'completion' is no command here", "pixian-batch --show-completion zsh"),
        (["completion"], "'completion' is no command here", "pixian-batch --install-completion"),
        (["balance"], "'balance' is no command here", "pixian-batch account"),
        (["resume"], "'resume' is no command here", "run the same command again"),
        (["statsu"], "'statsu' is no command and no file", "pixian-batch status"),
        (["status"], "OUT is missing", "--out of the runs"),
        (["decode", "a"], "DELTA is missing", "for example: pixian-batch decode photo.jpg"),
        (["status", "a", "b"], "too many words: b", "for example: pixian-batch status ./cut"),
        (["run", SAMPLE, "--out", "x", "--concurency-max", "4"], "there is no option --concurency-max",
         "did you mean --concurrency-max"),
        (["run", SAMPLE, "--out", "x", "--retries", "-1"], "--retries: '-1' is not a whole number, 0 or more", ""),
        (["run", SAMPLE, "--out", "x", "--retries", "1.5"], "--retries: '1.5' is not a whole number", ""),
        (["decode", SAMPLE, SAMPLE, "-o", "x", "--orientation", "9"],
         "--orientation: '9' is not a whole number from 1 to 8", ""),
        (["run", SAMPLE, "--out", "x", "--max-credits", "x"], "--max-credits: 'x' is not an amount of credits", ""),
        (["run", SAMPLE, "--out", "x", "--no-quite"], "there is no option --no-quite", ""),
        (["run", SAMPLE, "--out", "x", "--api-url", "ftp://x"], "--api-url: 'ftp://x' is neither", ""),
        (["--show-completion", "tcsh"], "there is no completion for 'tcsh'", "bash, zsh, fish, powershell"),
        (["run", SAMPLE, "--out", "x", "--color", "alwys"], "--color: 'alwys' is none of", "did you mean always?"),
        (["run", SAMPLE, "--out", "x", "--margin", "wide"], "--margin", ""),
        (["resolve", "photos", "abc", "--charged"], "NUMBER: 'abc' is not a whole number", ""),
    ],
)  # fmt: skip
def test_the_line_to_type_is_named(words: list[str], error: str, step: str) -> None:
    told = here(*words)
    judge(told)
    assert told.err.startswith(f"error: {error}"), told.err
    assert step in told.err.partition("\n")[2]


def test_the_line_for_two_folders_can_be_copied(folder: Path) -> None:
    line = (
        here("./photos", "./cut", "--local").err.splitlines()[1].partition("did you mean: pixian-batch ")[2]
    )
    assert here(*line.split(), "--quiet").code == 0
    assert (folder / "cut" / "a.png").exists()


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"out = cut\n", b"out\n", b'out = "cut\n', b"[profile.x", b"\xff\xfeo\x00", b"a = \xe9", b"max-credits = 'x'",
     b"quiet = 1", b"nonsense = 2", b"profile = 3", b"include = 4", b"out = 2024-01-01"],
)  # fmt: skip
def test_a_file_of_options_that_is_none(folder: Path, content: bytes) -> None:
    (folder / "pixian-batch.toml").write_bytes(content)
    judge(here("config"))
    (folder / "storm.toml").write_bytes(content)
    judge(here("serve", "--weather", "storm.toml"))


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"SQLite format 3\0" + b"\0" * 5000, b"x"])
def test_a_ledger_that_is_none(folder: Path, content: bytes) -> None:
    put(folder / "out" / ".pixian-batch" / "ledger.db", content)
    put(folder / "elsewhere.db", content)
    for name in ("status", "resolve", "reconcile"):
        judge(here(name, "out"), code=8)
        judge(here(name, "out", "--ledger", "elsewhere.db"), code=8)
        judge(here(name, "out", "--ledger", "photos"), code=2)
        judge(here(name, "out", "--ledger", "no/such.db"), code=2)
    if content:  # an empty file is none yet
        judge(here("run", SAMPLE, "--out", "new", "--local", "--ledger", "elsewhere.db"), code=8)


def test_a_database_of_somebody_else(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "other.db")) as db, db:
        db.execute("CREATE TABLE image (x)")
        db.execute("PRAGMA user_version = 7")
    judge(here("status", "out2", "--ledger", "other.db"), code=8)
    judge(here("run", SAMPLE, "--out", "out2", "--local", "--ledger", "other.db"), code=8)


@pytest.mark.parametrize(
    "content", [b"", b"x", picture("png")[:60], picture("jpg")[:200], b"\x89PNG\r\n\x1a\n" + b"\0" * 99]
)
def test_pictures_that_are_none(folder: Path, content: bytes) -> None:
    put(folder / "broken" / "b.png", content)
    put(folder / "broken" / "c.jpg", content)
    judge(here("decode", SAMPLE, "broken/b.png", "-o", "x.png"), code=3)
    judge(here("decode", "broken/c.jpg", SAMPLE, "-o", "x.png"), code=3)
    ran = here("run", "broken", "--out", "out", "--local", "--verbose")
    assert ran.code == 3
    assert not THEIRS.search(ran.err), ran.err


# --- credentials and the network -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIXIAN_API_SECRET_FILE", "nowhere"), ("PIXIAN_API_SECRET_FILE", "photos"),
        ("PIXIAN_API_SECRET_FILE", "photos/a.jpg"), ("PIXIAN_BATCH_CREDENTIALS_COMMAND", "echo 'x"),
        ("PIXIAN_BATCH_CREDENTIALS_COMMAND", "no-such-program"), ("PIXIAN_BATCH_CREDENTIALS_COMMAND", "false"),
        ("PIXIAN_API_ID", "id"),
    ],
)  # fmt: skip
def test_credentials_that_cannot_be_had(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    (folder / "photos" / "a.jpg").chmod(0o600)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PIXIAN_API_ID", "id")
    monkeypatch.setenv(name, value)
    for words in (
        ["account"],
        ["run", SAMPLE, "--out", "out"],
        ["plan", SAMPLE, "--out", "out", "--calibrate", "1"],
    ):
        judge(here(*words), code=4)


def test_a_service_that_nobody_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, unknown, and no TLS there: one error that names the host; the images have not failed."""
    monkeypatch.setenv("PIXIAN_API_ID", "id")
    monkeypatch.setenv("PIXIAN_API_SECRET", "secret")
    quick = ["--backoff-step", "1ms"]
    with refusing_port() as port, EmulatorThread() as emulator:
        for url, host in (
            (f"http://127.0.0.1:{port}/v2", f"127.0.0.1:{port}"),
            ("https://nosuch.invalid/v2", "nosuch.invalid"),
            (emulator.url.replace("http:", "https:"), "127.0.0.1"),
        ):
            for more in ([], ["--test"]):
                ran = here("run", "photos", "--out", "out", "--api-url", url, *quick, "--quiet", *more)
                warned, error, step = ran.err.splitlines()
                assert (ran.code, ran.out) == (7, "")
                assert warned.startswith("warning: "), warned
                assert error.startswith("error: nothing was sent: "), error
                assert host in error
                assert step == "  check the network and --api-url, then run the same command again"
                assert not THEIRS.search(ran.err), ran.err
            for words in (["account"], ["plan", "photos", "--out", "new", "--calibrate", "1"]):
                judge(here(*words, "--api-url", url), code=7)
        assert here("status", "out", "--failed").out == ""
        assert emulator.bill.totals.charges == 0
        # The same command goes on where it never began.
        assert here("run", "photos", "--out", "out", "--api-url", emulator.url).code == 0


@pytest.mark.parametrize(
    "text", ["Input should be a valid integer", "[Errno 2] No such file", "Usage: x", "SSLError()"]
)
def test_the_judge_sees_their_words(text: str) -> None:
    with pytest.raises(AssertionError):
        judge(Result(2, "", f"error: {text}\n  do this\n"))
