"""The credentials of a command: those that the environment names."""

from __future__ import annotations

from pixian_batch.adapters.client import Credentials
from pixian_batch.adapters.credentials import NoCredentialsError as CredentialsError
from pixian_batch.adapters.credentials import read_credentials

__all__ = ["CredentialsError", "find_credentials"]


def find_credentials() -> Credentials:
    """The credentials of the environment. Raises `CredentialsError`."""
    return Credentials(*read_credentials())
