"""Makes a command of a function that takes one group of options: the signature that typer reads. Knows no option."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from pixian_batch.cli.options import default_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

_Group = TypeVar("_Group", bound="DataclassInstance")


def takes(kind: type[_Group]) -> Callable[[Callable[[_Group], None]], Callable[..., None]]:
    """Make a command of a function that takes one `kind`: typer sees a parameter for each field.

    A signature of forty parameters would otherwise stand in every command that shares them.
    """
    hints = get_type_hints(kind, include_extras=True)
    parameters = [
        inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if item.default is MISSING else default_of(item),
            annotation=hints[item.name],
        )
        for item in fields(kind)
    ]

    def make(command: Callable[[_Group], None]) -> Callable[..., None]:
        def call(**values: Any) -> None:
            command(kind(**values))

        # What `inspect.signature` looks for, in place of `**values`.
        vars(call)["__signature__"] = inspect.Signature(parameters)
        call.__annotations__ = hints
        call.__doc__ = command.__doc__
        return call

    return make
