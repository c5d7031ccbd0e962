"""Help, typing errors, completion, the man page: what the command line says about itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import command, here

from pixian_batch.cli import app
from pixian_batch.cli import help as help_
from pixian_batch.cli.app import MistypedCommandError, with_default_command

ROOT = Path(__file__).parents[2]
SAMPLE = str(ROOT / "docs" / "samples" / "cat.png")


def complete(line: str) -> list[str]:
    """What bash is told for a line whose last word is being typed."""
    words = line.split(" ")
    env = {
        "_PIXIAN_BATCH_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    result = command(env=env)
    assert result.code == 0, result.err
    return result.out.split()


def test_alone_it_shows_the_help() -> None:
    alone, asked = command(), command("--help")
    assert alone == command("-h")
    for page in (alone, asked):
        assert (page.code, page.err) == (0, "")
        for name in app.COMMANDS:
            assert f"\n  {name} " in page.out
        assert max(map(len, page.out.splitlines())) <= 80
    assert len(alone.out) < len(asked.out)
    assert "Exit codes:" in asked.out


def test_help_is_also_a_word(tmp_path: Path) -> None:
    assert command("help", cwd=str(tmp_path)) == command("--help")
    assert command("help", "plan", cwd=str(tmp_path)) == command("plan", "--help")


@pytest.mark.parametrize("module", ["pixian_batch.cli.app", "typer", "pixian_batch.cli.commands.run"])
def test_ctrl_c_while_loading_is_quiet(module: str, tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
class Pressed:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Pressed())
sys.argv = ["pixian-batch", "x", "--out", "y"]
from pixian_batch.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_every_command_has_one_line_in_the_help() -> None:
    assert set(help_.LINES) >= set(app.COMMANDS)


def test_each_commands_help_ends_with_examples() -> None:
    for name in app.COMMANDS:
        result = here(name, "--help")
        assert (result.code, result.err) == (0, ""), name
        _, _, examples = result.out.partition("\nExamples:\n")
        words = "pixian-batch " if name == "run" else f"pixian-batch {name}"
        assert examples.startswith(f"  {words}"), name
        assert all(line.startswith("  ") and "pixian-batch" in line for line in examples.splitlines()), name
        assert "<bool>" not in result.out, name
        assert "<list" not in result.out, name
        # Plain words: the same in a screen reader, a dumb terminal and a pipe.
        assert result.out.isascii(), name


def test_the_short_page_of_each_command_fits_a_screen() -> None:
    for name in app.COMMANDS:
        short, all_of_it = here(name, "-h"), here(name, "--help")
        assert (short.code, short.err) == (0, ""), name
        assert len(short.out.splitlines()) <= 40, name
        assert len(short.out) <= len(all_of_it.out), name
        assert f"All options: pixian-batch {name} --help" in short.out
        assert "\nExamples:\n" in short.out, name
    # Wherever it stands among the words; but a value after -- is an input.
    assert here("run", "x", "-h", "--nonsense").out == here("run", "-h").out
    assert here("plan", "x", "--out", "y", "--", "-h").err.startswith("error: x, -h do not exist")


def test_the_help_of_run_is_grouped() -> None:
    lines = here("run", "--help").out.splitlines()
    titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == [
        "Arguments:",
        "Output:",
        "Inputs:",
        "Without spending:",
        "Results:",
        "Money:",
        "Service:",
        "Pace:",
        "Messages:",
        "In CI:",
        "Options:",
        "Examples:",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["statsu", "./cut"], "'statsu' is no command and no file\n  did you mean: pixian-batch status\n"),
        (["reconsile"], "did you mean: pixian-batch reconcile\n"),
        (["run", "x", "--out", "y", "--concurency-max", "4"], "--concurrency-max"),
        (["status", "x", "--fialed"], "--failed"),
        (["./photos"], "--out"),
        (["--out", "cut"], "name at least one photo"),
        ([SAMPLE, "--out", "y", "--color", "pink"], "'pink' is none of auto, always, never"),
        ([SAMPLE, "--out", "y", "--in-doubt", "maybe"], "hold"),
        ([SAMPLE, "--out", "y", "--log-file", "no/such/folder/log"], "--log-file"),
        ([SAMPLE, "--out", "y", "--metrics-file", "."], "--metrics-file"),
        (["x", "--profile"], "--profile needs a value"),
    ],
)
def test_a_mistake_is_told_and_ends_with_2(words: list[str], message: str, tmp_path: Path) -> None:
    ended = command(*words, cwd=str(tmp_path))
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_word_is_an_input_unless_it_is_nearly_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = list(app.COMMANDS)
    for word in ("photos", "cat.jpg", "./statsu", "https://example.com/plan", "*.png", "--out"):
        assert with_default_command([word], commands) == ["run", word]
    for word in commands:
        assert with_default_command([word], commands) == [word]
    with pytest.raises(MistypedCommandError):
        with_default_command(["statsu"], commands)
    (tmp_path / "statsu").mkdir()
    assert with_default_command(["statsu"], commands) == ["run", "statsu"]


def test_the_shell_completes_commands_options_and_words() -> None:
    assert set(complete("pixian-batch ")) == set(app.COMMANDS)
    assert complete("pixian-batch reco") == ["reconcile"]
    assert "--calibrate" in complete("pixian-batch plan --cal")
    # The default command's, too.
    assert complete("pixian-batch ./photos --in-doubt ") == ["hold", "resend", "ask"]
    assert complete("pixian-batch ./photos --output-format j") == ["jpeg"]
    assert complete("pixian-batch run x --vertical-alignment ") == ["top", "middle", "bottom"]
    assert complete("pixian-batch run x --color a") == ["auto", "always"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell of its own")
def test_the_completion_script_is_shown() -> None:
    result = command(
        "--show-completion", env={"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "", "SHELL": "bash"}
    )
    assert result.code in {0, 1}
    assert "Traceback" not in result.err


def test_an_error_of_ours_is_kept_in_a_file(tmp_path: Path) -> None:
    # A bug, made on purpose: a module that cannot be loaded.
    script = (
        "import sys; sys.modules['pixian_batch.cli.shared_ledger'] = None\n"
        "from pixian_batch.cli.app import start; start(['status', 'x'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"TMPDIR": str(tmp_path), "TEMP": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: internal error; a report is in ")
    assert "Traceback" not in done.stderr
    (report,) = tmp_path.glob("bug-*.log")
    assert "Traceback" in report.read_text()


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff checks the man page where it is")
def test_the_man_page_is_good_roff() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", str(ROOT / "docs/reference/pixian-batch.1")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "--concurrency-max" in done.stdout.replace("\x1b[1m", "").replace("\x1b[0m", "")
