"""Functions of a core module, called through the C API of wasmtime by the declarations of its Python package.

The package's own calls look up and convert types one by one, each time, which takes ten times as long. Here
types are checked once, when the planner is compiled.
"""

from __future__ import annotations

import ctypes
from struct import Struct
from typing import Any

from wasmtime import Func, Store, Trap, WasmtimeError
from wasmtime import _bindings as c

from batchintory.errors import ComponentError

#: The bytes that a parameter or a result takes.
SLOT = ctypes.sizeof(c.wasmtime_val_raw_t)
U32_BITS = 0xFFFFFFFF

_CODES = {"i32": f"I{SLOT - 4}x", "i64": f"Q{SLOT - 8}x", "f64": f"d{SLOT - 8}x"}
_call = c._wasmtime_func_call_unchecked


def check(kind: Any, flat: tuple[str, ...]) -> None:
    """Refuses a function that takes other parameters, or gives back more than one ``i32``."""
    takes = tuple(str(parameter) for parameter in kind.params)
    gives = [str(result) for result in kind.results]
    if takes != flat or gives not in ([], ["i32"]):
        raise ComponentError(f"a function of the planner component takes {takes} and gives {gives}, not {flat}")


class CoreFunction:
    """A function that takes numbers, and gives back one ``i32`` at most."""

    def __init__(self, store: Store, function: Func, flat: tuple[str, ...]) -> None:
        """``flat`` are its parameters, which :func:`check` has compared."""
        self._context = store._context()
        self._function = function
        self._reference = ctypes.byref(function._func)
        self._slots = max(len(flat), 1)
        self._buffer = (c.wasmtime_val_raw_t * self._slots)()
        self._first = self._buffer[0]
        self._pack = Struct("<" + "".join(_CODES[parameter] for parameter in flat)).pack_into
        self._trap = ctypes.POINTER(c.wasm_trap_t)()
        self._trap_reference = ctypes.byref(self._trap)

    def __call__(self, *values: Any) -> int:
        """Makes the call."""
        self._pack(self._buffer, 0, *values)
        error = _call(self._context, self._reference, self._buffer, self._slots, self._trap_reference)
        if error or self._trap:
            self._raise(error)
        return self._first.i32 & U32_BITS

    def _raise(self, error: Any) -> None:
        if error:
            raise WasmtimeError._from_ptr(error)
        trap = ctypes.POINTER(c.wasm_trap_t)(self._trap.contents)
        # It is the exception's to delete.
        self._trap = ctypes.POINTER(c.wasm_trap_t)()
        self._trap_reference = ctypes.byref(self._trap)
        raise Trap._from_ptr(trap)
