"""Where the API id and secret come from: the environment, or a file that nobody else can read.

A secret is never an option's value: it would stand in the process list and the shell's history.
"""

from __future__ import annotations

import os
import stat
import sys


class NoCredentialsError(Exception):
    """No usable credentials: what is wrong; `hint`: what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def read_credentials() -> tuple[str, str]:
    """The id and the secret of the environment. Raises `NoCredentialsError`."""
    api_id = os.environ.get("PIXIAN_API_ID", "").strip()
    secret = os.environ.get("PIXIAN_API_SECRET", "").strip() or _from_file()
    missing = [
        name for name, value in (("PIXIAN_API_ID", api_id), ("PIXIAN_API_SECRET", secret)) if not value
    ]
    if missing:
        raise NoCredentialsError(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set",
            "set both to the API id and secret of your Pixian.AI account, or try --local: no account, no cost",
        )
    return api_id, secret


def _from_file() -> str:
    path = os.environ.get("PIXIAN_API_SECRET_FILE", "")
    if not path:
        return ""
    try:
        with open(path, encoding="utf-8") as stream:
            if sys.platform != "win32" and os.fstat(stream.fileno()).st_mode & (stat.S_IRGRP | stat.S_IROTH):
                raise NoCredentialsError(f"{path} can be read by others", f"run: chmod 600 {path}")
            return stream.readline().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NoCredentialsError(
            f"PIXIAN_API_SECRET_FILE cannot be read: {error}", "check the path"
        ) from error
