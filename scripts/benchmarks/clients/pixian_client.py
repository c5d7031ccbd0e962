"""The PyPI package pixian-ai in threads. Its address is fixed: here its requests go to the benchmark's server.

usage: python pixian_client.py URL WORKERS OUT FILE...
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pixian_ai.client as theirs  # type: ignore[import-not-found, unused-ignore]  # in its own environment

URL, OUT = sys.argv[1], sys.argv[3]
_post = theirs.requests.post


def _send(client: theirs.PixianAI, path: str) -> None:
    result = client.remove_background(image_path=path)
    target = os.path.join(OUT, os.path.basename(path) + ".png")
    result.save(target + ".part")
    os.rename(target + ".part", target)


# The address that the package names is never asked.
theirs.requests.post = lambda _url, **more: _post(URL, **more)
with ThreadPoolExecutor(int(sys.argv[2])) as pool:
    for _done in pool.map(partial(_send, theirs.PixianAI("id", "secret")), sys.argv[4:]):
        pass
