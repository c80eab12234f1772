"""Every public name says what it is for, with all of its parameters and an example that runs."""

from __future__ import annotations

import ast
import asyncio
import dataclasses
import datetime
import doctest
import inspect
import io
import typing
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from conftest import MakeInventory, async_url, claim, request_of
from sqlalchemy.ext.asyncio import create_async_engine

import batchintory
from batchintory import original
from batchintory.table import Table

#: Their examples await.
ASYNCHRONOUS = (batchintory.AsyncBatch, batchintory.AsyncInventory)


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """All public functions and methods by their names."""
    for name in batchintory.__all__:
        found = getattr(batchintory, name)
        if inspect.isfunction(found):
            yield name, found
    for kind in (batchintory.Batch, batchintory.Inventory, Table, *ASYNCHRONOUS):
        yield from ((f"{kind.__name__}.{name}", function) for name, function in methods(kind))
    yield "Inventory.__init__", batchintory.Inventory.__init__
    yield "AsyncInventory.__init__", batchintory.AsyncInventory.__init__


def methods(kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, member in vars(kind).items():
        if not name.startswith("_") and inspect.isfunction(member):
            yield name, member


FUNCTIONS = dict(public())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_told(name: str) -> None:
    told = inspect.getdoc(FUNCTIONS[name]) or ""
    parameters = [parameter for parameter in inspect.signature(FUNCTIONS[name]).parameters if parameter != "self"]
    assert [parameter for parameter in parameters if f":param {parameter}:" not in told] == []
    assert ">>> " in told


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_hint_can_be_read(name: str) -> None:
    hints = typing.get_type_hints(FUNCTIONS[name])
    assert "return" in hints


def test_every_record_has_words_and_hints() -> None:
    for name in batchintory.__all__:
        found = getattr(batchintory, name)
        assert found.__doc__, name
        if dataclasses.is_dataclass(found):
            typing.get_type_hints(found)


CLASSES = {name: kind for name in batchintory.__all__ if inspect.isclass(kind := getattr(batchintory, name))}
RECORDS = {
    name: kind for name, kind in CLASSES.items() if dataclasses.is_dataclass(kind) or issubclass(kind, tuple)
}
ERRORS = {name: kind for name, kind in CLASSES.items() if issubclass(kind, Exception)}


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_tells_its_fields(name: str) -> None:
    told = inspect.getdoc(RECORDS[name]) or ""
    fields = inspect.signature(RECORDS[name]).parameters
    assert [field for field in fields if f":param {field}:" not in told] == []
    assert ">>> " in told


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_shows_when_it_comes(name: str) -> None:
    assert ">>> " in str(vars(ERRORS[name])["__doc__"])


def examples() -> list[Any]:
    finder = doctest.DocTestFinder(recurse=False)
    kinds = {name: getattr(batchintory, name) for name in batchintory.__all__}
    objects = {
        **FUNCTIONS,
        **{name: kind for name, kind in kinds.items() if inspect.isclass(kind)},
        "Table": Table,
    }
    found = [test for name, thing in objects.items() for test in finder.find(thing, name, module=False)]
    return [test for test in found if test.examples]


def awaits(example: doctest.DocTest) -> bool:
    return example.name.startswith("Async")


@pytest.mark.parametrize(
    "example",
    [example for example in examples() if not awaits(example)],
    ids=lambda example: example.name,
)
def test_every_example_runs(
    example: doctest.DocTest, lake: MakeInventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inventory = lake("sqlite:lake.sqlite")
    names = {name: getattr(batchintory, name) for name in batchintory.__all__ if name != "inventory"}
    example.globs = {
        **names,
        "batchintory": batchintory,
        "date": datetime.date,
        "timedelta": datetime.timedelta,
        "inventory": inventory,
        "batch": claim(inventory, job="count"),
        "request": request_of(job="count"),
    }
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    try:
        failed = runner.run(example, out=told.append).failed
    finally:
        original._settings = original._inventory = None
    assert failed == 0, "".join(told)


async def run_awaiting(example: doctest.DocTest) -> list[str]:
    """Runs an example whose lines may await; gives what was not printed as said."""
    checker, wrong = doctest.OutputChecker(), []
    for line in example.examples:
        code = compile(line.source, "<example>", "single", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with redirect_stdout(io.StringIO()) as printed:
            result = eval(code, example.globs)
            if inspect.iscoroutine(result):
                await result
        if not checker.check_output(line.want, printed.getvalue(), doctest.ELLIPSIS):
            wrong.append(f"{line.source}gives {printed.getvalue()}and not {line.want}")
    return wrong


@pytest.mark.parametrize(
    "example",
    [example for example in examples() if awaits(example)],
    ids=lambda example: example.name,
)
def test_every_example_that_awaits_runs(example: doctest.DocTest, sqlite_url: str, lake: MakeInventory) -> None:
    lake(sqlite_url)

    async def main() -> list[str]:
        engine = create_async_engine(async_url(sqlite_url))
        async with batchintory.AsyncInventory(engine) as inventory:
            example.globs = {
                name: getattr(batchintory, name) for name in batchintory.__all__ if name != "inventory"
            }
            request = request_of(job="count")
            example.globs |= {
                "timedelta": datetime.timedelta,
                "engine": engine,
                "inventory": inventory,
                "batch": await inventory.acquire(request),
                "request": request,
            }
            wrong = await run_awaiting(example)
        await engine.dispose()
        return wrong

    assert asyncio.run(main()) == []
