"""The limit of open files: raised as far as it may be, and then fewer workers. In processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
from pixian_batch.adapters.descriptors import workers_for
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
print(workers_for(int(sys.argv[3])), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def asked(soft: int, hard: int, wanted: int) -> tuple[int, int]:
    """Workers that fit, and the soft limit afterwards."""
    arguments = [sys.executable, "-c", SCRIPT, *map(str, (soft, hard, wanted))]
    ran = subprocess.run(arguments, capture_output=True, text=True, check=True)
    workers, limit = ran.stdout.split()
    return int(workers), int(limit)


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of POSIX systems")
def test_the_limit_is_raised_to_what_is_needed_and_no_further() -> None:
    workers, limit = asked(128, 4000, 100)
    assert workers == 100
    assert 600 < limit < 1000
    assert asked(2000, 4000, 100) == (100, 2000), "enough as it is"
    workers, limit = asked(128, 200, 100)
    assert limit == 200
    assert 10 < workers < 30
    assert asked(30, 30, 100) == (1, 30), "one is always tried"


@pytest.mark.skipif(sys.platform != "win32", reason="Windows has no such limit")
def test_where_there_is_no_limit_all_may_work() -> None:
    from pixian_batch.adapters.descriptors import workers_for

    assert workers_for(100) == 100
