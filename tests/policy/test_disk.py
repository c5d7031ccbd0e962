"""Trouble with the disk, by its number: whose move it is, and how far it reaches."""

from __future__ import annotations

import errno
import os

import pytest

from pixian_batch.policy.disk import Reach, cannot_sync, disk_cause, is_in_use, reading_hint
from pixian_batch.policy.stopping import MAKE_ROOM

CASES = [
    ("ENOSPC", Reach.RUN, "make room"),
    ("EDQUOT", Reach.RUN, "quota"),
    ("EROFS", Reach.RUN, "read-only"),
    ("EIO", Reach.RUN, "the disk fails"),
    ("ENOENT", Reach.RUN, "removed"),
    ("ESTALE", Reach.RUN, "share went away"),
    ("ENOTCONN", Reach.RUN, "share went away"),
    ("EMFILE", Reach.RUN, "ulimit -n"),
    ("ENFILE", Reach.RUN, "open files"),
    ("EACCES", Reach.IMAGE, "right to write"),
    ("EPERM", Reach.IMAGE, "right to write"),
    ("ENAMETOOLONG", Reach.IMAGE, "rename"),
    ("ELOOP", Reach.IMAGE, "rename"),
    ("EBUSY", Reach.IMAGE, "another program"),
    ("EFBIG", Reach.IMAGE, "ulimit -f"),
]


@pytest.mark.parametrize(("name", "reach", "words"), CASES)
def test_each_number_has_its_reach_and_its_words(name: str, reach: Reach, words: str) -> None:
    number = getattr(errno, name, None)
    if number is None:
        pytest.skip(f"{name} does not exist here")
    cause = disk_cause(OSError(number, os.strerror(number)))
    assert cause.reach is reach
    assert words in cause.hint


def test_make_room_is_said_of_a_full_disk_only() -> None:
    full = {number for number in errno.errorcode if disk_cause(OSError(number, "")).hint == MAKE_ROOM}
    assert full == {errno.ENOSPC}
    assert disk_cause(OSError("without a number")).hint != MAKE_ROOM


@pytest.mark.parametrize(("number", "words"), [(112, "make room"), (32, "another program"), (53, "share")])
def test_windows_says_more_by_its_own_numbers(number: int, words: str) -> None:
    error = OSError(errno.EINVAL, "")
    error.winerror = number  # type: ignore[attr-defined, unused-ignore]  # there is none elsewhere
    assert words in disk_cause(error).hint


def test_what_a_file_system_cannot_do_is_no_trouble() -> None:
    assert cannot_sync(OSError(errno.EINVAL, ""))
    assert not cannot_sync(OSError(errno.EACCES, ""))
    assert cannot_sync(OSError(errno.EACCES, ""), folder=True)
    assert not cannot_sync(OSError(errno.EIO, ""), folder=True)
    assert is_in_use(OSError(errno.EBUSY, ""))
    assert not is_in_use(OSError(errno.EACCES, ""))


def test_what_cannot_be_read_is_told_apart() -> None:
    assert "right to read" in reading_hint(PermissionError(errno.EACCES, ""))
    assert "run again" in reading_hint(FileNotFoundError(errno.ENOENT, ""))
    assert "ulimit" in reading_hint(OSError(errno.EMFILE, ""))
    assert "the disk fails" in reading_hint(OSError(errno.EIO, ""))
