"""Every option of every command is an environment variable, too: none is forgotten, and each works."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from support.commands import command

from pixian_batch.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest
    from support.workspaces import Workspace

OWN_MEANING = {
    ("check", "--profile"),
    ("status", "--in-doubt"),
    ("decode", "--out"),
    ("decode", "--overwrite"),
    ("render", "--to"),
    ("report", "--to"),
}
"""Words that mean something else for a run: what is set for runs must not reach these."""


def options() -> Iterator[tuple[str, Any]]:
    """(command, option) of all that typer builds."""
    commands = app.parser(list(app.COMMANDS)).commands
    assert set(commands) == set(app.COMMANDS)
    for name, built in commands.items():
        for param in built.params:
            if param.param_type_name == "option" and "--help" not in param.opts:
                yield name, param


def test_every_option_of_every_command_has_its_variable() -> None:
    others = {}
    for name, option in options():
        flag = next(word for word in option.opts if word.startswith("--"))
        own = name == "serve" or (name, flag) in OWN_MEANING
        words = ["PIXIAN_BATCH", *([name.upper()] if own else []), flag[2:].upper().replace("-", "_")]
        if option.envvar != "_".join(words):
            others[f"{name} {flag}"] = option.envvar
    assert others == {}


def test_one_variable_means_one_thing() -> None:
    kinds: dict[str, set[tuple[bool, bool]]] = {}
    for _name, option in options():
        kinds.setdefault(option.envvar, set()).add((option.is_flag, option.multiple))
    assert {name: kind for name, kind in kinds.items() if len(kind) != 1} == {}


def test_switches_texts_and_numbers_are_read_from_variables(
    workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = workspace()
    home.add("a.png")
    assert home.run()[0] == 0
    for name in ("status", "resolve", "config", "account"):
        monkeypatch.setenv("PIXIAN_BATCH_API_URL", home.emulator.url)
        plain = home.do(name, *([str(home.out)] if name in {"status", "resolve"} else []))
        monkeypatch.setenv("PIXIAN_BATCH_JSON", "true")
        code, records, err = home.do(name, *([str(home.out)] if name in {"status", "resolve"} else []))
        monkeypatch.delenv("PIXIAN_BATCH_JSON")
        assert code == plain[0] == 0, (name, err)
        assert records != plain[1], name
        assert all(line.startswith('{"') for line in records.splitlines()), name
    # In a process of its own: it loads the engine, which changes how a thread's floats behave.
    doctor = command("doctor", env={"PIXIAN_BATCH_JSON": "1", "PIXIAN_BATCH_LOCAL": "1"})
    assert json.loads(doctor.out)["type"] == "doctor"
    monkeypatch.setenv("PIXIAN_BATCH_LEDGER", str(home.root / "elsewhere.db"))
    assert "no ledger" in home.do("status", str(home.out))[2]
    monkeypatch.setenv("PIXIAN_BATCH_ORIENTATION", "9")
    code, _, err = home.do("decode", "a.png", "b.png", "-o", "c.png")
    assert (code, "PIXIAN_BATCH_ORIENTATION" in err) == (2, True)


def test_a_decision_is_read_from_variables_and_half_of_it_is_refused(
    workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = workspace()
    home.add("a.png")
    assert home.run()[0] == 0
    monkeypatch.setenv("PIXIAN_BATCH_ALL", "1")
    assert "charged or not?" in home.do("resolve", str(home.out))[2]
    monkeypatch.setenv("PIXIAN_BATCH_NOT_CHARGED", "yes")
    assert home.do("resolve", str(home.out))[:2] == (0, "nothing is in doubt or lost\n")
    monkeypatch.setenv("PIXIAN_BATCH_CHARGED", "yes")
    assert "cannot both be meant" in home.do("resolve", str(home.out))[2]


def test_what_is_set_for_runs_does_not_reach_what_means_something_else(
    workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = workspace()
    home.add("a.png")
    for name, value in {"IN_DOUBT": "resend", "OUT": str(home.out), "OVERWRITE": "1"}.items():
        monkeypatch.setenv(f"PIXIAN_BATCH_{name}", value)
    assert home.do("run", str(home.photos), *home.common)[0] == 0
    assert "bought images" in home.do("status", str(home.out))[1]
    result, photo = str(home.out / "a.png"), str(home.photos / "a.png")
    assert "--out" in home.do("decode", photo, result)[2]
    monkeypatch.setenv("PIXIAN_BATCH_DECODE_OUT", str(home.photos / "a.png"))
    assert "is the photo itself" in home.do("decode", photo, result)[2]
    (home.root / "there.png").write_bytes(b"")
    monkeypatch.setenv("PIXIAN_BATCH_DECODE_OUT", str(home.root / "there.png"))
    assert "is there already" in home.do("decode", photo, result)[2]
    monkeypatch.setenv("PIXIAN_BATCH_STATUS_IN_DOUBT", "1")
    assert home.do("status", str(home.out)) == (0, "", "")
