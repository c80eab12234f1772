"""Makes room for many values in the planner's memory at once.

Each text and each list that crosses has a place of its own there, since each is freed by itself. A call from
Python takes microseconds, and a page of items has thousands of texts: so a small module makes the calls, and tells
where all the places are in its own memory.
"""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Sequence
from typing import Any

from wasmtime import Func, Instance, Module, Store

from batchintory.planner.core_function import CoreFunction

#: So many sizes have room in the module's memory.
_MOST = (1 << 16) // 4

TEXT = """(module
    (import "planner" "cabi_realloc" (func $make_room (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1 1)
    (func (export "make-room") (param $alignment i32) (param $end i32) (local $at i32) (local $size i32)
        (loop $next
            (if (i32.lt_u (local.get $at) (local.get $end))
                (then
                    (local.set $size (i32.load (local.get $at)))
                    (i32.store
                        (local.get $at)
                        (if (result i32) (local.get $size)
                            (then (call $make_room
                                (i32.const 0) (i32.const 0) (local.get $alignment) (local.get $size)))
                            (else (local.get $alignment))))
                    (local.set $at (i32.add (local.get $at) (i32.const 4)))
                    (br $next))))))"""


class Allocator:
    """Makes room in one instance of the planner."""

    def __init__(self, store: Store, module: Module, realloc: Func) -> None:
        instance = Instance(store, module, [realloc])
        exports: Any = instance.exports(store)
        memory = exports["memory"]
        base = ctypes.addressof(memory.data_ptr(store).contents)
        self._sizes = memoryview((ctypes.c_char * (4 * _MOST)).from_address(base)).cast("B").cast("I")
        self._make_room = CoreFunction(store, exports["make-room"], ("i32", "i32"))

    def places(self, sizes: Sequence[int], alignment: int) -> list[int]:
        """Places of these sizes."""
        places: list[int] = []
        for start in range(0, len(sizes), _MOST):
            wanted = sizes[start : start + _MOST]
            slots = self._sizes[: len(wanted)]
            slots[:] = array(slots.format, wanted)
            self._make_room(alignment, 4 * len(wanted))
            places += slots.tolist()
        return places
