"""A run on a disk that fails at its n-th call, then runs on a good one: what the bill and the ledger say of it.

The judge of money is the emulator's bill: every charge is in the ledger, or the image is named as one of
unknown price, at most so much; nothing is paid twice; there is no traceback; and what is said is one truth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from support.faults import build
from support.forks import ForkServer
from support.sandboxes import EmulatorProcess, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from support.forks import Outcome
    from support.sandboxes import Bill

PHOTOS: Final = 4
WORKERS: Final = 2
_DISK: Final = 8
_DECISION: Final = 10
_KILLED: Final = -9
_MOST_RUNS: Final = 4


@dataclass(frozen=True)
class Fault:
    """The `at`-th call fails as `kind` says; onwards: and all that follow. everywhere: the temporary folder's, too."""

    at: int
    kind: str
    onwards: bool = False
    everywhere: bool = False

    def __str__(self) -> str:
        return f"{self.kind} at {self.at}{' on' * self.onwards}{' everywhere' * self.everywhere}"


@dataclass
class Bench:
    """Where trials are made. Each has a folder and an emulator of its own."""

    root: Path
    fork_server: ForkServer = field(init=False)
    trials: int = 0

    def __post_init__(self) -> None:
        self.fork_server = ForkServer(self.root / "fork-server", preload=build(self.root))

    def close(self) -> None:
        """End every process."""
        self.fork_server.close()

    def trial(self, fault: Fault) -> Trial:
        """One fault, and what came of it."""
        self.trials += 1
        home = Sandbox(
            self.fork_server, self.root / f"trial-{self.trials}", EmulatorProcess(self.fork_server)
        )
        with home:
            home.add(PHOTOS)
            trial = Trial(home, fault)
            trial.go()
        return trial


@dataclass
class Trial:
    """One fault and the runs after it. broken: the promises that were, in words; hidden: lost from the account."""

    home: Sandbox
    fault: Fault
    calls: int = 0
    broken: list[str] = field(default_factory=list)
    hidden: int = 0
    unknown: int = 0
    outcomes: list[Outcome] = field(default_factory=list)

    def go(self) -> None:
        """The faulty run, then good ones until nothing is left to do."""
        if self.fault.kind == "READ":  # of what an interrupted run has left
            self._run(kill=["after_answered_written", 2])
        first = self._faulty()
        while len(self.outcomes) < _MOST_RUNS:
            self.outcomes.append(self._run())
            if self.outcomes[-1].code in {0, _DECISION}:
                break
        bill = self.home.emulator.bill()
        self._judge_words(first)
        self._judge_money(bill)

    def _run(self, **request: object) -> Outcome:
        temporary = self.home.root / "tmp"
        temporary.mkdir(exist_ok=True)
        child = self.home.begin(workers=WORKERS, env={"TMPDIR": str(temporary)}, **request)
        outcome = child.wait()
        if "fault" in request and outcome.code >= 0:
            self.calls = int((child.place / "calls").read_text())
        return outcome

    def _faulty(self) -> Outcome:
        under = self.home.root if self.fault.everywhere else self.home.out
        outcome = self._run(
            fault={
                "under": str(under),
                "at": self.fault.at,
                "kind": self.fault.kind,
                "onwards": self.fault.onwards,
                "shadows": str(self.home.root.with_name(f"{self.home.root.name}-shadows")),
            }
        )
        self.outcomes.append(outcome)
        return outcome

    # --- judgement ------------------------------------------------------------------------------------

    def _require(self, kept: object, promise: str) -> None:
        if not kept:
            self.broken.append(promise)

    def _judge_words(self, first: Outcome) -> None:
        for outcome in self.outcomes:
            told = outcome.stdout + outcome.stderr
            self._require("Traceback" not in told, f"a traceback: {outcome.stderr[-600:]}")
            self._require("damaged" not in told, f"called damage: {outcome.stderr[-300:]}")
            self._require(outcome.code in {0, _DISK, _DECISION, _KILLED, 2}, f"exit {outcome.code}")
            if " for free" in told and outcome.stdout.count('"summary"'):
                self._require(
                    outcome.summary["in_doubt"] + outcome.summary["lost"] or "decide about" not in told,
                    "asks to decide about what is finished for free",
                )
        self._require(self.outcomes[-1].code in {0, _DECISION}, f"the last run: {self.outcomes[-1].stderr}")
        if first.code == _DISK and self.outcomes[-1].code == 0:
            self._require("decide about" not in first.stderr, "asked for a decision that nobody had to make")

    def _judge_money(self, bill: Bill) -> None:
        self._require(bill.most_charges <= 1, "an image was charged twice")
        self._require(bill.most_delivered <= 1, "an image was delivered twice")
        accounts, digests = self._accounts(), self.home.digests()
        for path, digest in digests.items():
            cost = bill.charged_for(digest)
            charged, state, at_most = accounts.get(path, (None, "", None))
            if charged is not None or not cost:
                self._require((charged or 0) == cost, f"{path}: {charged} in the ledger, {cost} on the bill")
            elif state == "done":
                self.unknown += 1
                self._require(at_most is None or at_most >= cost, f"{path}: at most {at_most}, but {cost}")
            else:
                self._require(state in {"in_doubt", "lost"}, f"{path}: {state}")
                self._require(at_most is None or at_most >= cost, f"{path}: at most {at_most}, but {cost}")
        self._judge_sums()

    def _accounts(self) -> dict[str, tuple[Decimal | None, str, Decimal | None]]:
        """Input -> charged, state, at most: of its latest attempt that may have cost something."""
        rows = self.home.ask(
            "SELECT input, charged, state, at_most FROM attempt JOIN image ON image.id = image_id"
            " LEFT JOIN answer ON answer.attempt_id = attempt.id ORDER BY charged IS NOT NULL, attempt.id"
        )
        return {
            name: (charged and Decimal(charged), state, at_most and Decimal(at_most))
            for name, charged, state, at_most in rows
        }

    def _judge_sums(self) -> None:
        """What has an unknown price is counted as such by the run that finished it and by every later `status`."""
        told = sum(
            one.summary["credits_unknown"] for one in self.outcomes if one.code != _KILLED and one.stdout
        )
        status = self.home.fork_server.ask(run=["status", str(self.home.out), "--json"]).wait()
        counted = json.loads(status.stdout).get("credits_unknown", 0)
        self.hidden = max(0, self.unknown - min(told, counted))
        self._require(not self.hidden, f"{self.hidden} images of unknown price, and not a word")


def faults_of(calls: int, kinds: list[str]) -> list[Fault]:
    """Every fault of a run with so many calls, the kinds mixed, so that any part of them is a fair sample."""
    return [
        Fault(at, kind, onwards=onwards, everywhere=everywhere)
        for at in range(1, calls + 1)
        for kind in kinds
        for onwards, everywhere in _WAYS[kind]
    ]


_WAYS: Final = {
    "EIO": ((False, False), (True, False), (True, True)),
    "ENOSPC": ((False, False), (True, False), (True, True)),
    "KILL": ((False, False),),
    "POWER": ((False, False),),
    "READ": ((False, False), (True, False)),
}
