"""The lock: what was bought, as text for a repository, and what a look at the files says of it. Pure.

A head line with the version, then one line an image and result, sorted by its bytes (as `LC_ALL=C sort` does), without
counts or dates: branches that add images differ in lines only. Fields are separated by a tab; in names `%XX` stands
for each byte of what is no printable character, and of `%`. Paths are relative to the lock's folder, with `/`.

Proved by tests/policy/test_lockfile.py.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pixian_batch.policy.record import is_free

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

USUAL_LOCK: Final = "pixian.lock"
UNKNOWN: Final = "?"
"""In place of credits that nobody knows."""
_VERSION: Final = 1
_HEAD: Final = f"# pixian-lock v{_VERSION}: input, BLAKE3, parameters, output, BLAKE3, credits"
_ANY_HEAD: Final = re.compile(r"# pixian-lock v(\d+):")
_CONFLICT: Final = re.compile(r"(<{7}|={7}|>{7}|\|{7})( |$)")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_CREDITS: Final = re.compile(r"\d+(\.\d+)?|\?")
_ESCAPES: Final = re.compile(r"(?:%[0-9A-F]{2})+")
_FIELDS: Final = 6
_AGAIN: Final = (
    "write it again: pixian-batch INPUT... --out DIR --lock FILE; what the ledger knows costs nothing"
)


class LockError(Exception):
    """A file that cannot be read as a lock. hint: what to do about it."""

    def __init__(self, message: str, hint: str = _AGAIN) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class LockLine:
    """One result. Hashes are BLAKE3 in hex; parameters: as in the ledger's key; credits: what the image cost."""

    input: str
    input_hash: str
    parameters: str
    output: str
    output_hash: str
    credits: str

    @property
    def files(self) -> tuple[str, str]:
        """Which line it is: a lock has one for each input and output."""
        return self.input, self.output

    @property
    def is_free(self) -> bool:
        """Whether the result was never bought: of `--local` or `--test`."""
        return is_free(self.parameters)

    def is_of(self, other: LockLine) -> bool:
        """Whether both are of the same purchase: the same bytes with the same parameters."""
        return (self.input_hash, self.parameters) == (other.input_hash, other.parameters)


# --- reading and writing ---------------------------------------------------------------------------


def read_lock(content: bytes) -> list[LockLine]:
    """The lines, in any order: a merge may have changed it. Raises `LockError`."""
    try:
        head, *lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        raise LockError("is no lock: it is not text in UTF-8") from None
    _check_head(head)
    return [_read_line(number, line) for number, line in enumerate(lines, 2) if line.strip("\r")]


def write_lock(lines: Iterable[LockLine]) -> bytes:
    """The whole file; the same lines give the same bytes."""
    written = sorted({_write_line(line) for line in lines})
    return b"".join([_HEAD.encode() + b"\n", *written])


def merged(
    old: Iterable[LockLine], fresh: Sequence[LockLine], is_there: Callable[[str], bool]
) -> list[LockLine]:
    """`fresh`, and of the `old` lines those that nobody looked at now and of whose files one `is_there`."""
    looked_at = {line.files for line in fresh}
    kept = [line for line in old if line.files not in looked_at and any(map(is_there, line.files))]
    return [*fresh, *kept]


def _check_head(head: str) -> None:
    known = _ANY_HEAD.match(head)
    if known is None and _CONFLICT.match(head):
        raise _conflict(1)
    if known is None:
        raise LockError("is no lock: its first line is another one", "name the file that --lock has written")
    if int(known[1]) != _VERSION:
        raise LockError(f"is of format {known[1]}, this program knows format {_VERSION}", "update it")


def _read_line(number: int, line: str) -> LockLine:
    fields = line.rstrip("\r").split("\t")
    if _CONFLICT.match(line) and len(fields) < _FIELDS:
        raise _conflict(number)
    if len(fields) != _FIELDS:
        raise LockError(f"line {number} has {len(fields)} fields, not {_FIELDS}")
    source, source_hash, parameters, result, result_hash, amount = map(_unescaped, fields)
    if not (source and result and _CREDITS.fullmatch(amount)):
        raise LockError(f"line {number} is damaged")
    if not (_HASH.fullmatch(source_hash) and _HASH.fullmatch(result_hash)):
        raise LockError(f"line {number} has no BLAKE3 hash where one belongs")
    return LockLine(
        input=source,
        input_hash=source_hash,
        parameters=parameters,
        output=result,
        output_hash=result_hash,
        credits=amount,
    )


def _conflict(number: int) -> LockError:
    hint = "keep the lines of both sides without git's marks; '*.lock merge=union' in .gitattributes does so"
    return LockError(f"line {number}: git could not merge it", hint)


def _write_line(line: LockLine) -> bytes:
    sides = line.input, line.input_hash, line.parameters, line.output, line.output_hash, line.credits
    return ("\t".join(map(_escaped, sides)) + "\n").encode()


def _escaped(text: str) -> str:
    return "".join(char if char.isprintable() and char != "%" else _percent(char) for char in text)


def _percent(char: str) -> str:
    errors = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", errors))


def _unescaped(text: str) -> str:
    return _ESCAPES.sub(_from_percent, text)


def _from_percent(found: re.Match[str]) -> str:
    return bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "surrogateescape")


# --- judging ---------------------------------------------------------------------------------------


class FindingKind(StrEnum):
    """What is not as locked."""

    INPUT_CHANGED = "input_changed"
    INPUT_MISSING = "input_missing"
    OUTPUT_ALTERED = "output_altered"
    OUTPUT_MISSING = "output_missing"
    POINTER = "pointer"
    """A pointer of Git LFS stands in a file's place."""
    UNREADABLE = "unreadable"
    LOCKED_TWICE = "locked_twice"
    NOT_LOCKED = "not_locked"


@dataclass(frozen=True, slots=True)
class LockFinding:
    """One file that is not as locked, and what to do about it."""

    kind: FindingKind
    file: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it is. digest: BLAKE3 in hex; None where it is not there, or `trouble` says why it cannot be read."""

    digest: str | None
    trouble: str = ""
    hint: str = ""
    is_pointer: bool = False


def judge(line: LockLine, source: SeenFile, result: SeenFile) -> Iterator[LockFinding]:
    """What is not as `line` says."""
    if source.digest != line.input_hash:
        yield _about(line.input, source, _INPUT)
    if result.digest != line.output_hash:
        yield _about(line.output, result, _OUTPUT)


def locked_twice(lines: Iterable[LockLine]) -> Iterator[LockFinding]:
    """Results of which several lines say something different, as a merge of two branches may leave them."""
    counts = Counter(line.output for line in set(lines))
    hint = "run again with --lock: that keeps the true one of lines for the same photo; else remove one"
    for output, number in counts.items():
        if number > 1:
            yield LockFinding(FindingKind.LOCKED_TWICE, output, f"{number} lines lock it", hint)


def not_locked(path: str) -> LockFinding:
    """An input without a line."""
    message = "the photo has no line in the lock: it may have to be bought"
    return LockFinding(FindingKind.NOT_LOCKED, path, message, "run with --lock, then commit the lock")


@dataclass(frozen=True, slots=True)
class _Words:
    missing: tuple[FindingKind, str, str]
    changed: tuple[FindingKind, str, str]


_INPUT: Final = _Words(
    missing=(
        FindingKind.INPUT_MISSING,
        "the photo is missing",
        "restore it; or, if it is to go, remove its result, too, and run with --lock",
    ),
    changed=(
        FindingKind.INPUT_CHANGED,
        "the photo has changed since it was locked: it would be bought again",
        "run with --lock; or restore it",
    ),
)
_OUTPUT: Final = _Words(
    missing=(
        FindingKind.OUTPUT_MISSING,
        "the result is missing: it would be bought again",
        "restore it (from the repository, or the cache of your CI); or run with --lock",
    ),
    changed=(
        FindingKind.OUTPUT_ALTERED,
        "the result was altered since it was locked",
        "restore it; if it is meant to be so, remove its line from the lock and run with --lock",
    ),
)


def _about(file: str, seen: SeenFile, words: _Words) -> LockFinding:
    if seen.is_pointer:
        message = "is a pointer of Git LFS, not the picture"
        return LockFinding(FindingKind.POINTER, file, message, "git lfs pull (actions/checkout: lfs: true)")
    if seen.trouble:
        return LockFinding(FindingKind.UNREADABLE, file, seen.trouble, seen.hint)
    kind, message, hint = words.missing if seen.digest is None else words.changed
    return LockFinding(kind, file, message, hint)
