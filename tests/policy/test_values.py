"""The values that rooms hand to each other are frozen and slotted: nobody can change what another one holds."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

import pixian_batch.contract
import pixian_batch.policy

if TYPE_CHECKING:
    import pytest

MUTABLE = {"Budget", "FolderPlan", "LeftOut", "Meter", "PriceBook", "Throughput"}
"""Asked and told by many workers, between two awaits: one instance each, documented as such."""


def _values() -> list[type[Any]]:
    names = [
        module.name
        for package in (pixian_batch.contract, pixian_batch.policy)
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + ".")
    ]
    return [
        value
        for name in names
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, type) and is_dataclass(value) and value.__module__ == name
    ]


def test_a_value_is_frozen_and_slotted(subtests: pytest.Subtests) -> None:
    for value in _values():
        with subtests.test(value=value):
            frozen = value.__dataclass_params__.frozen
            assert frozen != (value.__name__ in MUTABLE)
            assert "__slots__" in vars(value)


def test_there_are_values_to_check() -> None:
    assert len(_values()) > 20
