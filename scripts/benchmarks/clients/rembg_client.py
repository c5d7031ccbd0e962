"""rembg with the same model (u2netp), as its documentation writes it: one session, file after file.

usage: python rembg_client.py OUT FILE...
"""

from __future__ import annotations

import os
import sys

from rembg import new_session, remove  # type: ignore[import-not-found, unused-ignore]  # in its own environment

session = new_session("u2netp", providers=["CPUExecutionProvider"])
for path in sys.argv[2:]:
    with open(path, "rb") as stream:
        result = remove(stream.read(), session=session)
    with open(os.path.join(sys.argv[1], os.path.basename(path) + ".png"), "wb") as stream:
        stream.write(result)
