"""Types and functions are those that the component says it has."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest
from wasmtime import Config, Engine
from wasmtime.component import Component
from wasmtime.component import _types as types

from batchintory.planner import interface
from batchintory.planner.canonical_abi import BOOL, F64, S64, U32, U64, List, Record, Scalar, Text, Type, Variant
from batchintory.planner.component import FILE

pytestmark = pytest.mark.skipif(
    int(version("wasmtime").partition(".")[0]) < 49,
    reason="before 49, wasmtime's package does not tell the types of what an instance has",
)

SCALARS = {types.Bool: BOOL, types.F64: F64, types.S64: S64, types.U32: U32, types.U64: U64}


def compare(ours: Type | None, theirs: Any, path: str) -> None:
    if theirs is None or ours is None:
        assert ours is None, path
        assert theirs is None, path
    elif type(theirs) in SCALARS:
        wanted = SCALARS[type(theirs)]
        assert isinstance(ours, Scalar), path
        assert (ours._code, ours.flat) == (wanted._code, wanted.flat), path
    elif isinstance(theirs, types.String):
        assert isinstance(ours, Text), path
    elif isinstance(theirs, types.ListType):
        assert isinstance(ours, List), path
        compare(ours._element, theirs.element, path + "[]")
    elif isinstance(theirs, types.RecordType):
        assert isinstance(ours, Record), path
        assert [name for name, _, _ in ours._fields] == [name.replace("-", "_") for name, _ in theirs.fields], path
        for (name, _, field), (_, theirs_) in zip(ours._fields, theirs.fields, strict=True):
            compare(field, theirs_, f"{path}.{name}")
    elif isinstance(theirs, types.EnumType):
        assert isinstance(ours, Variant), path
        assert ours._cases == [(name, None) for name in theirs.names], path
    else:
        assert isinstance(ours, Variant), path
        cases = theirs._cases()
        assert [name for name, _ in ours._cases] == [name for name, _ in cases], path
        for (name, case), (_, theirs_) in zip(ours._cases, cases, strict=True):
            compare(case, theirs_, f"{path}/{name}")


def interfaces(direction: str) -> dict[str, Any]:
    config = Config()
    config.epoch_interruption = True
    engine = Engine(config)
    kind = Component(engine, FILE.read_bytes()).type
    parts: Any = kind.exports(engine) if direction == "exports" else kind.imports(engine)
    return {
        name: {function: member.ty for function, member in part.ty.exports(engine).items()}
        for name, part in parts.items()
    }


def test_every_function_has_the_component_s_types() -> None:
    exports = interfaces("exports")["batchintory:inventory/inventory@0.1.0"]
    functions = {name: kind for name, kind in exports.items() if isinstance(kind, types.FuncType)}
    assert set(functions) == set(interface.FUNCTIONS)
    for name, kind in functions.items():
        ours = interface.FUNCTIONS[name]
        assert [parameter.replace("-", "_") for parameter, _ in kind.params] == list(ours._parameters)
        for (parameter, theirs), mine in zip(kind.params, ours._parameters.values(), strict=True):
            compare(mine, theirs, f"{name}({parameter})")
        compare(ours.result, kind.result, name)


def test_what_the_host_gives_has_the_component_s_types() -> None:
    imports = interfaces("imports")["batchintory:inventory/database@0.1.0"]
    compare(interface.SETTINGS, imports["settings"].result, "settings")
    compare(interface.QUERY_RESULT, imports["query"].result, "query")
    compare(interface.PARAMETERS, imports["query"].params[2][1], "query(params)")
