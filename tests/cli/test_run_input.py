"""`run` as a command: bad input of every kind, what is said about it, where it is said, and the exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import forks
from support.commands import PATIENCE
from support.emulators import EmulatorThread
from support.pictures import announced_png, picture, put
from support.told import endings_told
from support.wires import refusing_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


posix = pytest.mark.skipif(
    sys.platform == "win32", reason="names, pipes and signals that only POSIX systems have"
)


@dataclass(frozen=True)
class Ran:
    code: int
    out: bytes
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        last = self.records[-1]
        assert last["type"] == "summary"
        assert last["exit_code"] == self.code
        return last

    def statuses(self) -> dict[str, str]:
        """Base names of the inputs with what became of them."""
        images = [record for record in self.records if record["type"] == "image"]
        return {os.path.basename(record["input"]): record["status"] for record in images}

    def error(self, name: str) -> dict[str, Any]:
        [found] = [r["error"] for r in self.records if r["type"] == "image" and r["input"].endswith(name)]
        return dict(found)


@dataclass(frozen=True)
class Command:
    """The command, against an emulator that charges."""

    emulator: EmulatorThread
    folder: Path

    def environment(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIXIAN", "PYTEST"))}
        ours = {
            "PIXIAN_API_ID": "id", "PIXIAN_API_SECRET": "secret", "PIXIAN_BATCH_API_URL": self.emulator.url,
            "HOME": str(self.folder), "PYTHONPATH": forks.PACKAGE,
            **({"PYTHONUTF8": "1"} if sys.platform == "win32" else {}),
        }  # fmt: skip
        return {k: v for k, v in {**kept, **ours, **changes}.items() if v is not None}

    def __call__(self, *arguments: object, stdin: bytes = b"", **environment: str | None) -> Ran:
        words = [str(argument) for argument in arguments]
        ran = forks.run(words, env=self.environment(environment), cwd=self.folder, stdin=stdin)
        return Ran(ran.returncode, ran.stdout, ran.stderr.decode("utf-8", "replace"))

    def argv(self, *arguments: object) -> list[str | bytes]:
        texts = [os.fsencode(str(argument)) for argument in arguments]
        return [sys.executable, "-m", "pixian_batch", *texts]

    def bought(self) -> int:
        return self.emulator.bill.totals.charges


@pytest.fixture(scope="module")
def emulator() -> Iterator[EmulatorThread]:
    with EmulatorThread() as running:
        yield running


@pytest.fixture
def run(emulator: EmulatorThread, tmp_path: Path) -> Command:
    emulator.bill.reset()
    return Command(emulator, tmp_path)


# --- folders and files ---------------------------------------------------------------------------


def test_an_empty_folder_is_nothing_to_do_and_says_so(run: Command) -> None:
    (run.folder / "in").mkdir()
    ran = run("in", "--out", "out", "--json")
    assert ran.code == 0
    assert ran.summary["done"] == 0
    assert "nothing" in ran.err.lower() or "no photos" in ran.err.lower(), ran.err


def test_a_missing_folder_fails_by_name_and_the_others_go_on(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    ran = run("nowhere", "in", "--out", "out", "--json")
    assert ran.code == 3
    assert ran.statuses() == {"nowhere": "failed", "a.jpg": "done"}
    assert "does not exist" in ran.err
    assert "spelling" in ran.err


def test_the_output_inside_the_input_is_no_input(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    for skipped in (0, 1):
        ran = run("in", "--out", "in/cut", "--json")
        assert (ran.code, ran.summary["done"], ran.summary["skipped"]) == (0, 1 - skipped, skipped)
    assert run.bought() == 1


@pytest.mark.parametrize("inputs", [["in"], ["in/../in"]])
def test_the_input_as_output_is_a_mistake(run: Command, inputs: list[str]) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    ran = run(*inputs, "--out", "in")
    assert (ran.code, run.bought()) == (2, 0)
    assert "name another" in " ".join(ran.err.split())


def test_an_output_that_is_a_file_is_a_mistake(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    put(run.folder / "out", b"mine")
    ran = run("in", "--out", "out")
    assert (ran.code, run.bought()) == (2, 0)
    assert "is a file" in ran.err
    assert (run.folder / "out").read_bytes() == b"mine"


def test_broken_images_fail_by_name_and_the_others_go_on(run: Command) -> None:
    put(run.folder / "in" / "empty.jpg")
    put(run.folder / "in" / "cut.png", picture("png")[:-9])
    put(run.folder / "in" / "text.jpg", b"this is no photo")
    put(run.folder / "in" / "web.png", b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 50)
    put(run.folder / "in" / "huge.tif", announced_png(8000, 5000))
    put(run.folder / "in" / "good.gif", picture("gif"))
    put(run.folder / "in" / "wrong.jpg", picture("png", shade=5))
    ran = run("in", "--out", "out", "--json")
    assert ran.code == 3
    assert {name for name, status in ran.statuses().items() if status == "done"} == {"good.gif", "wrong.jpg"}
    assert len(ran.statuses()) == 7
    for name in ("empty.jpg", "cut.png", "text.jpg", "web.png", "huge.tif"):
        assert ran.error(name)["message"]
        assert name in ran.err
    assert ran.error("huge.tif")["code"] == "too_large"
    assert "WebP" in ran.error("web.png")["message"]
    assert ran.summary["failed"] == 5
    assert run.bought() == 2


@posix
def test_odd_names_arrive_and_are_never_taken_for_markup_or_escapes(run: Command) -> None:
    names = [
        "a b.jpg",
        "new\nline.jpg",
        "[bold]x[bold].jpg",
        "\x1b[31mred.jpg",
        "日本.jpg",
        os.fsdecode(b"\xe9.jpg"),
    ]
    for number, name in enumerate(names):
        put(run.folder / "in" / name, picture("jpg", shade=number * 40))
        put(run.folder / "in" / ("broken " + name), b"x")
    ran = run("in", "--out", "out", "--json")
    assert ran.code == 3
    assert sorted(os.listdir(run.folder / "out")) == sorted(
        [".pixian-batch", *(name.replace(".jpg", ".png") for name in names)]
    )
    assert "\x1b" not in ran.err
    assert "[bold]x[bold].jpg" in ran.err
    assert len(endings_told(ran.out.decode())) == len(names) * 2 + 1
    again = run("in", "--out", "out", "--json")
    assert (again.summary["skipped"], run.bought()) == (len(names), len(names))


@posix
def test_pipes_and_loops_do_not_stop_a_run(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    os.mkfifo(run.folder / "in" / "pipe.jpg")
    os.symlink(".", run.folder / "in" / "loop")
    os.symlink("self.jpg", run.folder / "in" / "self.jpg")
    ran = run("in", "--out", "out", "--follow-symlinks", "--json")
    assert (ran.code, ran.statuses()) == (0, {"a.jpg": "done"})


def test_a_place_that_cannot_be_fails_one_image_and_costs_nothing(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    put(run.folder / "in" / "sub" / "b.jpg", picture("jpg", shade=200))
    put(run.folder / "in" / "c.jpg", picture("jpg", shade=150))
    (run.folder / "out" / "a.png").mkdir(parents=True)
    put(run.folder / "out" / "sub", b"a file")
    ran = run("in", "--out", "out", "--json")
    assert ran.code == 3
    assert ran.statuses() == {"a.jpg": "failed", "b.jpg": "failed", "c.jpg": "done"}
    assert run.bought() == 1


def test_collisions_are_found_before_anything_is_bought(run: Command) -> None:
    for name in ("a.jpg", "a.png", "b.jpg"):
        put(run.folder / "in" / name, picture("png", shade=ord(name[0]) + ord(name[2])))
    for inputs, status in ((["in"], "done"), (["in/*"], "skipped")):
        ran = run(*inputs, "--out", "out", "--json")
        assert ran.code == 3
        assert ran.statuses() == {"a.jpg": status, "a.png": "failed", "b.jpg": status}
        assert "--on-collision suffix" in ran.err
    assert run.bought() == 2


def test_two_roots_that_want_one_place_never_buy_over_each_other(run: Command) -> None:
    put(run.folder / "one" / "a.jpg", picture("jpg"))
    put(run.folder / "two" / "a.jpg", picture("jpg", shade=7))
    for _ in range(3):
        ran = run("one", "two", "--out", "out", "--json")
        assert ran.code == 3
        assert "another input" in ran.err
    assert run.bought() == 1


def test_an_input_that_is_named_twice_is_done_once(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    ran = run("in/a.jpg", "in", "in/a.jpg", "--out", "out", "--json")
    assert (ran.code, ran.statuses(), run.bought()) == (0, {"a.jpg": "done"}, 1)


# --- again and again -----------------------------------------------------------------------------


def test_what_is_done_is_skipped_and_what_changed_is_new_work(run: Command) -> None:
    path = put(run.folder / "in" / "a.jpg", picture("jpg"))
    put(run.folder / "in" / "b.jpg", picture("jpg", shade=200))
    expected = [("done", "done", 2), ("skipped", "skipped", 2), ("done", "skipped", 3)]
    for turn, (first, second, bought) in enumerate(expected):
        if turn == 2:
            put(path, picture("jpg", shade=150))
        ran = run("in", "--out", "out", "--json")
        assert (ran.statuses(), run.bought()) == ({"a.jpg": first, "b.jpg": second}, bought)
    other = run("in", "--out", "out", "--json", "--crop-to-foreground", "--replace")
    assert (other.summary["done"], run.bought()) == (2, 5), "other parameters are new work"


def test_a_touched_input_is_read_again_and_not_bought_again(run: Command) -> None:
    path = put(run.folder / "in" / "a.jpg", picture("jpg"))
    run("in", "--out", "out")
    os.utime(path, ns=(1, 1))
    ran = run("in", "--out", "out", "--json")
    assert (ran.summary["skipped"], run.bought()) == (1, 1)


def test_the_same_bytes_are_bought_once(run: Command) -> None:
    for name in ("a.jpg", "b.jpg", "sub/c.jpg"):
        put(run.folder / "in" / name, picture("jpg"))
    ran = run("in", "--out", "out", "--json")
    assert (ran.summary["done"], ran.summary["duplicates"], run.bought()) == (1, 2, 1)
    results = [run.folder / "out" / place for place in ("a.png", "b.png", "sub/c.png")]
    assert len({path.read_bytes() for path in results}) == 1


def test_a_file_of_somebody_else_is_left_alone_unless_told(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    mine = run.folder / "out" / "a.png"
    put(mine, b"mine")
    ran = run("in", "--out", "out", "--json")
    assert (ran.code, ran.statuses(), run.bought()) == (0, {"a.jpg": "skipped"}, 0)
    assert mine.read_bytes() == b"mine"
    ran = run("in", "--out", "out", "--json", "--overwrite")
    assert (ran.statuses(), run.bought()) == ({"a.jpg": "done"}, 1)
    assert mine.read_bytes() != b"mine"


# --- lists ---------------------------------------------------------------------------------------


@posix
def test_names_from_standard_input_with_nul(run: Command) -> None:
    names = ["a.jpg", "new\nline.jpg", os.fsdecode(b"\xe9.jpg")]
    for number, name in enumerate(names):
        put(run.folder / name, picture("jpg", shade=number * 40))
    listed = b"\0".join(map(os.fsencode, names))
    ran = run("--files-from", "-", "-0", "--out", "out", "--json", stdin=listed)
    assert (ran.code, ran.summary["done"]) == (0, 3)


@posix
def test_a_list_from_a_pipe_loses_no_names(run: Command) -> None:
    names = [f"{number:03}.jpg" for number in range(60)]
    for number, name in enumerate(names):
        put(run.folder / name, picture("jpg", shade=number % 3))
    os.mkfifo(run.folder / "list")
    writing = subprocess.Popen(
        ["sh", "-c", "for n in $0; do echo $n; sleep 0.005; done > list", " ".join(names)], cwd=run.folder
    )
    ran = run("--files-from", "list", "--out", "out", "--json")
    assert writing.wait(PATIENCE) == 0
    assert set(ran.statuses()) == set(names)


@posix
def test_a_silent_list_does_not_keep_a_stopped_run_alive(run: Command) -> None:
    put(run.folder / "a.jpg", picture("jpg"))
    with subprocess.Popen(
        run.argv("--files-from", "-", "--out", "out", "--json"), cwd=run.folder, env=run.environment({}),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as running:  # fmt: skip
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(b"a.jpg\n")
        running.stdin.flush()
        assert [json.loads(running.stdout.readline())["type"] for _ in range(2)] == ["launch", "concurrency"]
        assert json.loads(running.stdout.readline())["status"] == "done"
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE) == 130
        assert endings_told(running.stdout.read().decode())[0]["exit_code"] == 130


def test_a_list_of_another_kind_is_named_in_one_short_line(run: Command) -> None:
    put(run.folder / "a.jpg", picture("jpg"))
    for content, options, hint in (
        (b"a.jpg\0" * 400_000, (), "add -0"),
        (b"a.jpg\n" * 400_000, ("-0",), "leave -0"),
        ("a.jpg\r\n".encode("utf-16"), (), "save it as UTF-8"),
    ):
        listed = put(run.folder / "list", content)
        planned = run("plan", "--files-from", listed, "--out", "out", *options)
        ran = run("--files-from", listed, "--out", "out", "--json", *options)
        assert (planned.code, ran.code, run.bought()) == (2, 3, 0)
        for told in (planned.err, ran.err):
            assert hint in told
            assert len(told) < 1000


def test_a_list_from_windows_is_read(run: Command) -> None:
    for number, name in enumerate(("a.jpg", "b.jpg")):
        put(run.folder / name, picture("jpg", shade=number * 40))
    put(run.folder / "list", "\ufeffa.jpg\r\nb.jpg\r\n".encode())
    put(run.folder / "pixian-batch.toml", '\ufefffiles-from = "list"\r\nout = "cut"\r\n'.encode())
    assert run("--json").statuses() == {"a.jpg": "done", "b.jpg": "done"}
    put(run.folder / "pixian-batch.toml", 'out = "cut"\r\n'.encode("utf-16"))
    ran = run("--json")
    assert (ran.code, "is UTF-16" in ran.err, "save it as UTF-8" in ran.err) == (2, True, True)


def test_a_missing_list_is_said(run: Command) -> None:
    ran = run("--files-from", "nowhere", "--out", "out", "--json")
    assert ran.code != 0
    assert "--files-from" in ran.err


# --- credentials and addresses -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PIXIAN_API_ID": None, "PIXIAN_API_SECRET": None}, "PIXIAN_API_ID"),
        ({"PIXIAN_API_SECRET": None}, "PIXIAN_API_SECRET"),
        ({"PIXIAN_API_SECRET": " "}, "PIXIAN_API_SECRET"),
        ({"PIXIAN_API_SECRET": "hush-hush"}, "secret"),
    ],
)
def test_without_good_credentials_nothing_is_bought(
    run: Command, changes: dict[str, Any], message: str
) -> None:
    for number in range(3):
        put(run.folder / "in" / f"{number}.jpg", picture("jpg", shade=number * 40))
    ran = run("in", "--out", "out", "--json", **changes)
    assert (ran.code, run.bought()) == (4, 0)
    assert ran.summary["status"] == "halted"
    assert message in ran.err
    assert "hush-hush" not in ran.err
    assert b"hush-hush" not in ran.out


@pytest.mark.parametrize(
    "url",
    ["http://example.com/api", "ftp://x", "api.pixian.ai", "", "https://id:secret@api.pixian.ai", "https://"],
)
def test_secrets_only_go_over_https_or_stay_here(run: Command, url: str) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    ran = run("in", "--out", "out", "--api-url", url)
    assert ran.code == 2
    assert not (run.folder / "out").exists()


def test_a_service_that_is_not_there_costs_nothing(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    quick = ("--retries", "1", "--backoff-step", "10ms", "--json")
    with refusing_port() as port:
        ran = run("in", "--out", "out", "--api-url", f"http://127.0.0.1:{port}/api/v2", *quick)
    assert (ran.code, ran.statuses(), ran.summary["in_doubt"]) == (7, {}, 0)
    assert (ran.summary["not_started"], ran.summary["failed"]) == (1, 0)
    assert "--api-url" in ran.err


# --- options, streams ----------------------------------------------------------------------------


def test_options_may_come_from_the_environment(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    ran = run("in", PIXIAN_BATCH_OUT="elsewhere", PIXIAN_BATCH_TEST="1", PIXIAN_BATCH_JSON="true")
    assert ran.code == 0, ran.err
    assert (run.folder / "elsewhere" / "a.png").exists()
    assert ran.summary["credits_charged"] in {"0", "0.00"}
    assert run.bought() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["in"],
        ["--out", "out"],
        ["in", "--out", "out", "--nonsense"],
        ["in", "--out", "out", "--max-pixels", "7"],
        ["in", "--out", "out", "--background-color", "mauve-ish"],
        ["in", "--out", "out", "--concurrency-max", "0"],
        ["in", "--out", "out", "--ramp-interval", "soon"],
        ["in", "--out", "out", "--max-credits", "-1"],
        ["in", "--out", "out", "--in-doubt", "guess"],
        ["in", "--out", "out", "--via-delta", "--output-format", "jpeg"],
    ],
)
def test_mistakes_are_told_before_anything_happens(run: Command, arguments: list[str]) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, b"")
    assert ran.err
    assert "Traceback" not in ran.err
    assert not (run.folder / "out").exists()


def test_help_comes_on_standard_output(run: Command) -> None:
    for arguments in (["--help"], ["run", "--help"]):
        ran = run(*arguments)
        assert (ran.code, ran.err) == (0, "")
        assert b"pixian-batch" in ran.out
    assert b"--concurrency-max" in ran.out


def test_results_go_to_standard_output_and_everything_else_elsewhere(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    put(run.folder / "in" / "b.jpg", b"x")
    plain = run("in", "--out", "out")
    assert plain.out == b""
    assert "b.jpg" in plain.err
    records = run("in", "--out", "out", "--json", "--quiet").records
    assert [record["type"] for record in records] == ["launch", "image", "image", "summary"]
    assert all(record["v"] == 1 for record in records)


def test_the_run_command_may_be_named(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    assert run("run", "in", "--out", "out").code == 0
    assert run("--out", "out", "in", "--json").summary["skipped"] == 1


@posix
def test_a_reader_that_goes_away_is_no_error(run: Command) -> None:
    for number in range(30):
        put(run.folder / "in" / f"{number}.jpg", picture("jpg", shade=number % 5))
    with subprocess.Popen(
        run.argv("in", "--out", "out", "--json"), cwd=run.folder, env=run.environment({}),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        result = running.stderr.read().decode()
        assert running.wait(PATIENCE) == 0
    assert "Traceback" not in result
    assert "BrokenPipe" not in result
    assert len(os.listdir(run.folder / "out")) == 31


def test_a_second_run_on_one_ledger_is_refused(run: Command) -> None:
    from filelock import FileLock  # here only

    put(run.folder / "in" / "a.jpg", picture("jpg"))
    run("in", "--out", "out")
    with FileLock(run.folder / "out" / ".pixian-batch" / "ledger.db.lock"):
        ran = run("in", "--out", "out", "--json")
    assert ran.code == 11
    assert ran.summary["status"] == "halted"


def test_a_damaged_ledger_is_set_aside_and_kept(run: Command) -> None:
    put(run.folder / "in" / "a.jpg", picture("jpg"))
    path = put(run.folder / "out" / ".pixian-batch" / "ledger.db", b"garbage" * 1000)
    ran = run("in", "--out", "out", "--json")
    assert (ran.code, run.bought()) == (8, 0)
    assert "damaged" in ran.err
    (aside,) = Path(path).parent.glob("ledger.damaged-*.db")
    assert aside.read_bytes() == b"garbage" * 1000
