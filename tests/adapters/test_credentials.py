"""Where credentials come from, in which order, and that the secret shows nowhere."""

from __future__ import annotations

import base64
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.commands import command
from support.emulators import EmulatorThread

from pixian_batch.adapters.credentials import NoCredentialsError, find_credentials
from pixian_batch.cli.configuration.files import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "s3cr3t-that-nobody-may-see"
HOST = "api.pixian.ai"
PRINTS = "import sys; print(sys.argv[1].replace('|', chr(10)))"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights of files, and quoting, differ there")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any credentials."""
    for name in list(os.environ):
        if name.startswith("PIXIAN_") or name == "NETRC":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set a credentials command that prints a text; `|` ends a line."""

    def tell(text: str) -> None:
        monkeypatch.setenv(
            "PIXIAN_BATCH_CREDENTIALS_COMMAND", f'{shlex.quote(sys.executable)} -c "{PRINTS}" "{text}"'
        )

    return tell


@pytest.fixture
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A stand-in for the optional `keyring` package: one file an entry."""
    folder = tmp_path / "site"
    (folder / "kept").mkdir(parents=True)
    (folder / "keyring.py").write_text(
        f"import pathlib\nKEPT = pathlib.Path({str(folder / 'kept')!r})\n"
        "def _path(service, name): return KEPT / (service + '@' + name.replace(':', '_'))\n"
        "def get_password(service, name):\n"
        "    return _path(service, name).read_text() if _path(service, name).exists() else None\n"
        "def set_password(service, name, text): _path(service, name).write_text(text)\n"
        "def delete_password(service, name): _path(service, name).unlink()\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    sys.modules.pop("keyring", None)
    yield folder / "kept"
    sys.modules.pop("keyring", None)


def found(url: str = f"https://{HOST}/api/v2") -> tuple[str, str]:
    credentials = find_credentials(url)
    return credentials.api_id, credentials.secret


def refused() -> NoCredentialsError:
    with pytest.raises(NoCredentialsError) as error:
        find_credentials()
    return error.value


def netrc(
    home: Path, *, mode: int = 0o600, text: str = f"machine {HOST} login nid password nsecret\n"
) -> None:
    path = home / ".netrc"
    path.write_text(text)
    path.chmod(mode)


@pytest.mark.usefixtures("home")
def test_nothing_is_told_with_all_that_can_be_done() -> None:
    error = refused()
    assert str(error) == "PIXIAN_API_ID and PIXIAN_API_SECRET are not set"
    assert "pixian-batch login" in error.hint
    assert "--local" in error.hint


def test_the_first_place_that_holds_a_secret_decides(
    home: Path, keyring: Path, says: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc(home)
    assert found() == ("nid", "nsecret")
    (keyring / f"pixian-batch@{HOST}").write_text("kid:ksecret")
    assert found() == ("kid", "ksecret")
    says("cid:csecret")
    assert found() == ("cid", "csecret")
    file = home / "secret"
    file.write_text("fsecret\n")
    file.chmod(0o600)
    monkeypatch.setenv("PIXIAN_API_ID", "eid")
    monkeypatch.setenv("PIXIAN_API_SECRET_FILE", str(file))
    assert found() == ("eid", "fsecret")
    monkeypatch.setenv("PIXIAN_API_SECRET", "esecret")
    assert found() == ("eid", "esecret")


@pytest.mark.usefixtures("home")
def test_a_keyrings_entry_is_for_one_host_only(keyring: Path) -> None:
    (keyring / f"pixian-batch@{HOST}").write_text("kid:ksecret")
    with pytest.raises(NoCredentialsError):
        find_credentials("https://other.example/api/v2")


@pytest.mark.usefixtures("home")
def test_a_command_prints_both_or_the_secret(
    says: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    says("an-id:a:secret:with:colons")
    assert found() == ("an-id", "a:secret:with:colons")
    says("an-id|a-secret|and notes below")
    assert found() == ("an-id", "a-secret")
    says("a-secret")
    assert "only one word" in str(refused())
    monkeypatch.setenv("PIXIAN_API_ID", "known")
    assert found() == ("known", "a-secret")
    says("")
    assert "gave nothing" in str(refused())


def test_a_command_that_fails_shows_what_it_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fails = (
        f"{shlex.quote(sys.executable)} -c \"import sys; print('x:{SECRET}'); sys.exit('no \\x1b[31mkey')\""
    )
    monkeypatch.setenv("PIXIAN_BATCH_CREDENTIALS_COMMAND", fails)
    error = refused()
    assert "ended with code 1: no \x1b[31mkey" in str(error)
    assert SECRET not in str(error)
    (home / "x.png").touch()
    for words in (["account"], ["doctor"], ["run", "x.png", "--out", "y", "--json"]):
        result = command(*words, env={"PIXIAN_BATCH_CREDENTIALS_COMMAND": fails}, cwd=str(home))
        assert result.code == 4, result.err
        assert "ended with code 1: no \\x1b[31mkey" in result.out + result.err, words
        assert not any(text in result.out + result.err for text in ("\x1b", SECRET)), words
    monkeypatch.setenv("PIXIAN_BATCH_CREDENTIALS_COMMAND", "/no/such/program")
    assert "cannot be run: No such file" in str(refused())
    monkeypatch.setenv("PIXIAN_BATCH_CREDENTIALS_COMMAND", "pass 'show")
    assert "check its quotes" in refused().hint


@pytest.mark.usefixtures("home")
def test_a_command_runs_without_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = tmp_path / "canary"
    monkeypatch.setenv("PIXIAN_BATCH_CREDENTIALS_COMMAND", f"echo a:b ; touch {canary}")
    assert found() == ("a", f"b ; touch {canary}")
    assert not canary.exists()


@pytest.mark.usefixtures("home")
def test_a_command_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixian_batch.adapters.credentials.PATIENCE", 0.2)
    monkeypatch.setenv("PIXIAN_BATCH_CREDENTIALS_COMMAND", "sleep 60")
    assert "did not end within" in str(refused())


def test_files_that_others_can_read_are_refused_with_the_chmod(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc(home, mode=0o644)
    assert refused().hint == f"run: chmod 600 {home / '.netrc'}"
    file = home / "secret"
    file.write_text("x")
    file.chmod(0o640)
    monkeypatch.setenv("PIXIAN_API_ID", "id")
    monkeypatch.setenv("PIXIAN_API_SECRET_FILE", str(file))
    assert refused().hint == f"run: chmod 600 {file}"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="needs root, to give a file away")
def test_a_secret_that_somebody_else_has_mounted_is_taken_as_it_is(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "secret"
    file.write_text("x")
    file.chmod(0o444)
    os.chown(file, 12345, 12345)
    monkeypatch.setenv("PIXIAN_API_ID", "id")
    monkeypatch.setenv("PIXIAN_API_SECRET_FILE", str(file))
    assert found() == ("id", "x")


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs a file system of its own")
def test_a_secret_on_a_read_only_mount_is_taken_as_it_is(home: Path) -> None:
    code = "from pixian_batch.adapters.credentials import read_credentials; print(*read_credentials())"
    script = (
        f"mount -t tmpfs none {home} && echo x > {home}/secret && chmod 444 {home}/secret"
        f' && mount -o remount,ro {home} && PIXIAN_API_ID=id PIXIAN_API_SECRET_FILE={home}/secret exec "$@"'
    )
    words = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        pytest.skip("nothing can be mounted here")
    assert (done.stdout, done.stderr) == ("id x\n", "")


def test_a_netrc_of_other_hosts_says_nothing(home: Path) -> None:
    netrc(home, mode=0o644, text="machine example.com login a password b\n")
    assert "are not set" in str(refused())


def test_texts_from_windows_are_read_and_utf16_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, says: Callable[[str], None]
) -> None:
    netrc(home)
    entry, file = home / ".netrc", home / "secret"
    plain = entry.read_bytes()
    for change, name in ((b"\xef\xbb\xbf", "nid"), (b"\xef\xbb\xbf\r\n", "nid")):
        entry.write_bytes(change + plain.replace(b"\n", b"\r\n"))
        assert found() == (name, "nsecret")
    entry.write_bytes(plain.decode().encode("utf-16"))
    assert (str(refused()), refused().hint) == (f"{entry} is UTF-16", "save it as UTF-8")
    says("\ufeffcid:csecret|")
    assert found() == ("cid", "csecret")
    file.write_bytes("cid:csecret\r\n".encode("utf-16"))
    monkeypatch.setenv("PIXIAN_BATCH_CREDENTIALS_COMMAND", f"cat {file}")
    assert "UTF-16" in str(refused())
    monkeypatch.setenv("PIXIAN_API_ID", "eid")
    monkeypatch.setenv("PIXIAN_API_SECRET_FILE", str(file))
    file.chmod(0o600)
    assert (str(refused()), refused().hint) == (f"{file} is UTF-16", "save it as UTF-8")
    file.write_bytes(b"\xef\xbb\xbffsecret\r\nmore\r\n")
    assert found() == ("eid", "fsecret")


def test_a_broken_netrc_does_not_quote_a_password(home: Path) -> None:
    netrc(home, text=f"machine {HOST} login a password\nb {SECRET}\n")
    assert SECRET not in str(refused())


def test_the_secret_shows_nowhere(home: Path) -> None:
    """A run that fails in every way, with everything that writes switched on."""
    out, log, metrics = home / "cut", home / "run.log", home / "run.prom"
    mine = home / "mine.toml"
    mine.write_text(f'credentials-command = "cat {home / "secret"}"\n')
    (home / "secret").write_text(f"wrong:{SECRET}\n")
    samples = Path(__file__).parents[2] / "docs" / "samples"
    with EmulatorThread(api_id="right", api_secret="right-secret") as emulator:
        result = command(
            *(
                "run",
                str(samples),
                "--out",
                str(out),
                "--api-url",
                emulator.url,
                "--config",
                str(mine),
                "--json",
            ),
            *("--verbose", "--log-file", str(log), "--log-format", "json", "--metrics-file", str(metrics)),
            env={"HOME": str(home)},
        )
    assert result.code == 4, result.err
    written = [path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "secret"]
    assert len(written) >= 4  # the log, the metrics, the ledger, the file of options
    everything = b"".join([result.out.encode(), result.err.encode(), *written])
    token = base64.b64encode(f"wrong:{SECRET}".encode())
    for text in (SECRET.encode(), token):
        assert text not in everything


def test_a_project_gives_no_command(home: Path) -> None:
    project = home / "shop"
    project.mkdir()
    (project / NAME).write_text("credentials-command = 'touch ran'\n")
    result = command("x", "--out", "y", env={"HOME": str(home)}, cwd=str(project))
    assert result.code == 2
    assert not (project / "ran").exists()
