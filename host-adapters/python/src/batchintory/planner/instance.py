"""An instance of the planner, held to its limits. It serves one call at a time."""

from __future__ import annotations

import ctypes
import secrets
import time
from collections.abc import Callable, Sequence
from math import ceil
from operator import add
from struct import Struct
from typing import TYPE_CHECKING, Any

from wasmtime import Instance, Memory, Store, WasmtimeError
from wasmtime import Trap as WasmTrap
from wasmtime import _bindings as c

from batchintory.errors import BatchintoryError, LimitReached, Trap, planner_error
from batchintory.planner import interface
from batchintory.planner.allocator import Allocator
from batchintory.planner.canonical_abi import Type
from batchintory.planner.component import TICK, Planner
from batchintory.planner.core_function import CoreFunction
from batchintory.planner.host_calls import SLOT, Answer, HostCalls
from batchintory.planner.limits import Limits

if TYPE_CHECKING:
    from batchintory.claim_queue import ClaimTurn
    from batchintory.database import Databases

_I32 = Struct("<I").unpack_from
_I64 = Struct("<Q").pack_into
_TEXT = Struct("<" + f"I{SLOT - 4}x" * 2).unpack_from
_QUERY = Struct("<" + f"I{SLOT - 4}x" * 6).unpack_from


class PlannerInstance:
    """An instance of the planner over its databases."""

    #: Whether the last call came to its end, so that another one can be made.
    is_sound = True

    def __init__(self, planner: Planner, limits: Limits) -> None:
        self._databases: Databases
        self._turn: ClaimTurn | None
        self._limits = limits
        self._started = 0.0
        self._waited = 0.0
        self._seen = 0.0
        self._store = Store(planner.engine)
        self._store.set_limits(memory_size=limits.memory_bytes)
        self._context = self._store._context()
        self._start()
        try:
            self._host = HostCalls(self._store, planner.bridge, self._answer)
            instance = Instance(self._store, planner.module, self._host.imports)
            exports: Any = instance.exports(self._store)
            self._memory: Memory = exports["memory"]
            self._allocator = Allocator(self._store, planner.allocator, exports[interface.REALLOC])
        except (WasmtimeError, WasmTrap) as error:
            raise self._explain(error) from error
        self._functions = {
            name: CoreFunction(self._store, exports[name], flat) for name, flat in interface.CORE_FUNCTIONS.items()
        }
        self._view = memoryview(b"")

    def close(self) -> None:
        """Gives its memory back."""
        self._store.close()
        self._host.close()

    # The exports.

    def call(
        self, databases: Databases, name: str, arguments: tuple[Any, ...], turn: ClaimTurn | None = None
    ) -> Any:
        """Makes a call on these databases."""
        function = interface.FUNCTIONS[name]
        self._databases = databases
        self._turn = turn
        self.is_sound = False
        self._start()
        try:
            parameters = function.lower(self, arguments)
            address = self._functions[interface.EXPORTS + name](*parameters)
            result = function.result
            kind, value = result.load(self, self.read(address, result.size), 0)
            self._functions[interface.POST + name](address)
        except (WasmtimeError, WasmTrap) as error:
            failure = self._host.failure
            # It may be the planner that gave up while an answer was put into its memory.
            if failure is None or isinstance(failure, (WasmtimeError, WasmTrap)):
                failure = self._explain(error)
            raise failure from error
        self.is_sound = True
        if kind == "ok":
            return value
        raise planner_error(value)

    def _explain(self, error: Exception) -> BaseException:
        if self._compute_seconds() >= self._limits.compute_seconds:
            return self._reached(f"{self._limits.compute_seconds} seconds of computing")
        # Memory that is not granted makes the planner give up by itself.
        if self._is_out_of_memory():
            return self._reached(f"{self._limits.memory_bytes} bytes of memory")
        return Trap(f"the planner component broke down, which is a bug: {error}")

    def _is_out_of_memory(self) -> bool:
        page = 1 << 16
        try:
            size = self._memory.data_len(self._store)
        except AttributeError:
            return True  # It was not even instantiated.
        # What was asked for last is not known; it may have been a good part of the whole.
        asked = max(16 * page, self._limits.memory_bytes // 4)
        return bool(size + asked > self._limits.memory_bytes)

    @staticmethod
    def _reached(limit: str) -> BatchintoryError:
        return LimitReached(
            f"the planner component has used up its limit of {limit}; raise it, or ask for less at once"
        )

    # Computing time: a clock interrupts the planner, and stands still while it waits for its host.

    def _start(self) -> None:
        self._started = time.monotonic()
        self._waited = 0.0
        self._set_deadline()

    def _compute_seconds(self) -> float:
        return time.monotonic() - self._started - self._waited

    def _set_deadline(self) -> None:
        left = self._limits.compute_seconds - self._compute_seconds()
        c.wasmtime_context_set_epoch_deadline(self._context, max(0, ceil(left / TICK)))
        self._seen = self._waited

    def _wait(self, work: Callable[..., Any], *arguments: Any) -> Any:
        start = time.monotonic()
        answer = work(*arguments)
        self._waited += time.monotonic() - start
        # The clock has ticked meanwhile.
        if self._waited - self._seen > TICK:
            self._set_deadline()
        return answer

    # Memory: see `canonical_abi.Memory`.

    def read(self, address: int, size: int) -> memoryview:
        """Bytes of the instance's memory."""
        end = address + size
        if end > len(self._view):
            self._look_again(end)
        return self._view[address:end]

    def write(self, data: bytes | bytearray, alignment: int) -> int:
        """Puts bytes into memory that the planner frees."""
        size = len(data)
        if not size:
            return alignment
        address = self._functions[interface.REALLOC](0, 0, alignment, size)
        self._put(address, data)
        return address

    def write_all(self, data: Sequence[bytes], alignment: int) -> list[int]:
        """Puts bytes into memory, each at a place of its own that the planner frees."""
        sizes = list(map(len, data))
        places = self._allocator.places(sizes, alignment)
        end = max(map(add, places, sizes), default=0)
        if end > len(self._view):
            self._look_again(end)
        view = self._view
        for place, size, part in zip(places, sizes, data, strict=True):
            view[place : place + size] = part
        return places

    def _put(self, address: int, data: bytes | bytearray) -> None:
        end = address + len(data)
        if end > len(self._view):
            self._look_again(end)
        self._view[address:end] = data

    def _look_again(self, end: int) -> None:
        """Memory grows, and stays where it is."""
        size = self._memory.data_len(self._store)
        if end > size:
            raise Trap("the planner component points beyond its memory, which is a bug")
        base = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        self._view = memoryview((ctypes.c_char * size).from_address(base)).cast("B")

    # The imports.

    def _answer(self, name: str) -> Answer:
        answer: Answer = getattr(self, "_host_" + name.replace("-", "_"))
        return answer

    def _host_settings(self, parameters: memoryview) -> None:
        self._return(_I32(parameters)[0], interface.SETTINGS, self._databases.settings)

    def _host_pause(self, parameters: memoryview) -> None:
        self._wait(self._databases.pause, _I32(parameters)[0])

    def _host_claim_turn(self, parameters: memoryview) -> None:
        address, size = _TEXT(parameters)
        if self._turn is not None:
            self._wait(self._turn.wait, str(self.read(address, size), "utf-8"))

    def _host_query(self, parameters: memoryview) -> None:
        on, address, size, sent, length, answer = _QUERY(parameters)
        statement = str(self.read(address, size), "utf-8")
        values = interface.PARAMETERS.load_elements(self, sent, length)
        self._return(answer, interface.QUERY_RESULT, self._wait(self._databases.query, on, statement, values))

    def _host_get_random_u64(self, parameters: memoryview) -> None:
        _I64(parameters, 0, secrets.randbits(64))

    def _return(self, address: int, kind: Type, value: Any) -> None:
        data = bytearray(kind.size)
        kind.store(self, data, 0, value)
        self._put(address, data)
