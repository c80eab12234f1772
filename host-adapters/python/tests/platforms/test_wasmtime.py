"""The package's own tests with the oldest wasmtime that it takes. All others run with the newest one."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

#: What needs nothing but an interpreter and PostgreSQL. A fault of wasmtime's would show in them: calls, memory,
#: limits, forks, threads, interrupts, event loops.
TESTS = (
    "async",
    "batch",
    "batches",
    "docstrings",
    "ending",
    "follow",
    "inventory",
    "items",
    "memory",
    "pickle",
    "processes",
    "transactions",
    "typed_program",
)


def test_it_is_the_oldest_one() -> None:
    (wanted,) = (each for each in requires("batchintory") or () if each.startswith("wasmtime"))
    oldest = re.search(r">=(\d+)", wanted)
    assert oldest is not None
    assert version("wasmtime") == f"{oldest[1]}.0.0"


def test_the_package_works_with_it() -> None:
    folder = Path(__file__).parents[1]
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
    command += ["-k", "not mysql and not aiomysql and not asyncmy"]
    command += [str(folder / f"test_{name}.py") for name in TESTS]
    ran = subprocess.run(command, cwd=folder.parent, text=True, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stdout[-10_000:]
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None
    assert int(passed[1]) > 300
