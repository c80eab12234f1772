"""What type checkers look at runs, and has all that is public."""

from __future__ import annotations

import ast
import asyncio
import inspect
from pathlib import Path

import pytest
import typed_program
from conftest import MakeInventory

import batchintory
from batchintory import AsyncBatch, AsyncInventory, Batch, Inventory, original
from batchintory.table import Table


def used() -> set[str]:
    """All names in the program."""
    tree = ast.parse(Path(typed_program.__file__).read_text())
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} | {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
    }


def test_nothing_public_is_missing() -> None:
    kinds: tuple[type, ...] = (Inventory, Batch, AsyncInventory, AsyncBatch, Table)
    methods = {
        name
        for kind in kinds
        for name, member in vars(kind).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
    }
    assert (methods | set(batchintory.__all__)) - used() == set()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_program_runs(sqlite_url: str, lake: MakeInventory) -> None:
    inventory = lake(sqlite_url)
    typed_program.opens(sqlite_url)
    typed_program.hands_out(inventory)
    typed_program.ends_by_token(inventory)
    typed_program.looks(inventory)
    try:
        typed_program.as_with_pybatchintory(sqlite_url)
    finally:
        original._settings = original._inventory = None
    asyncio.run(typed_program.in_a_loop(sqlite_url))
    assert typed_program.why(batchintory.Unavailable("away")) == "try again later"
