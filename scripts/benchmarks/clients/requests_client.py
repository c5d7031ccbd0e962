"""requests in threads, as people write it: a session a thread, the result to a file beside, a rename.

usage: python requests_client.py URL WORKERS OUT FILE...
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import requests  # type: ignore[import-untyped, unused-ignore]  # in its own environment

_own = threading.local()


def _send(path: str) -> None:
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
    with open(path, "rb") as stream:
        answer = _own.session.post(URL, files={"image": stream}, auth=("id", "secret"), timeout=180)
    answer.raise_for_status()
    target = os.path.join(OUT, os.path.basename(path) + ".png")
    with open(target + ".part", "wb") as result:
        result.write(answer.content)
    os.rename(target + ".part", target)


URL, OUT = sys.argv[1], sys.argv[3]
with ThreadPoolExecutor(int(sys.argv[2])) as pool:
    for _done in pool.map(_send, sys.argv[4:]):
        pass
