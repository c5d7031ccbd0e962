"""A first `pixian-batch.toml`: the options that most people set, each to be switched on. Writes that file, reads none."""

from __future__ import annotations

import os
from importlib import resources

from pixian_batch.cli.configuration.files import NAME, ConfigurationError


def text() -> str:
    """What the file says: comments only, so that it changes nothing yet."""
    return resources.files(__package__).joinpath("starting.toml").read_text("utf-8")


def write_first(folder: str) -> str:
    """Write it into `folder`; its path. Raises `ConfigurationError`, when there is one already above all."""
    path = os.path.join(folder, NAME)
    try:
        with open(path, "x", encoding="utf-8") as stream:
            stream.write(text())
    except FileExistsError:
        raise ConfigurationError(
            f"{path} is there already, and was left as it is", "pixian-batch config shows what it says"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}", "check the folder") from error
    return path
