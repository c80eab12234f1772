"""An instance of the planner, held to its limits. It serves one call at a time.

Functions are called through the C API of wasmtime, by the declarations of its Python package: the package's
own conversion of parameters takes ten times as long, and keeps an exception that a host function raised in
one place for all threads.
"""

from __future__ import annotations

import ctypes
import secrets
import time
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any

from wasmtime import Func, Instance, Store, Trap as WasmTrap, WasmtimeError
from wasmtime import _ffi as ffi

from batchintory.errors import PLANNER_ERRORS, BatchintoryError, ComponentError, LimitReached, Trap
from batchintory.planner import interface
from batchintory.planner.component import TICK, Planner
from batchintory.planner.limits import Limits

if TYPE_CHECKING:
    from batchintory.database import Databases

_EXPORTS = "batchintory:inventory/inventory@0.1.0#"
_ERRORS = {error.name: error for error in PLANNER_ERRORS}
_KINDS = {"i32": 0, "i64": 1, "f64": 3}


class PlannerInstance:
    """An instance of the planner over its databases."""

    #: Whether the last call came to its end, so that another one can be made.
    is_sound = True

    def __init__(self, planner: Planner, limits: Limits) -> None:
        self._databases: Databases
        self._limits = limits
        self._failure: BaseException | None = None
        self._computed = 0.0
        self._since = 0.0
        self._store = Store(planner.engine)
        # One page more, so that the limit itself can be told from what lies above.
        self._store.set_limits(memory_size=limits.memory_bytes)
        self._context = self._store._context()
        self._functions: dict[str, _CoreFunction] = {}
        self._callbacks: list[Any] = []
        self._start()
        try:
            imports = [
                self._import(kind.type, kind.name or "") for kind in planner.module.imports
            ]
            instance = Instance(self._store, planner.module, imports)
            exports = instance.exports(self._store)
            memory = exports["memory"]
            self._realloc = _CoreFunction(
                self._context, exports["cabi_realloc"], ("i32",) * 4, returns=True
            )
            for name, function in interface.FUNCTIONS.items():
                self._functions[name] = _CoreFunction(
                    self._context, exports[_EXPORTS + name], function.flat, returns=True
                )
                self._functions["post " + name] = _CoreFunction(
                    self._context, exports[f"cabi_post_{_EXPORTS}{name}"], ("i32",), returns=False
                )
        except (WasmtimeError, WasmTrap) as error:
            raise self._explain(error) from error
        except KeyError as error:
            raise ComponentError(f"the planner component has no function {error}") from error
        self._memory = memory
        self._base = ctypes.cast(memory.data_ptr(self._store), ctypes.c_void_p).value or 0
        self._memory_size = memory.data_len(self._store)

    def close(self) -> None:
        """Gives its memory back."""
        self._store.close()

    # The exports.

    def call(self, databases: Databases, name: str, arguments: tuple[Any, ...]) -> Any:
        """Makes a call on these databases."""
        function = interface.FUNCTIONS[name]
        self._databases = databases
        self.is_sound = False
        self._start()
        try:
            parameters = function.lower(self, arguments)
            address = self._functions[name](*parameters)
            result = function.result
            kind, value = result.load(self, self.read(address, result.size), 0)
            self._functions["post " + name](address)
        except (WasmtimeError, WasmTrap) as error:
            raise self._explain(error) from error
        self.is_sound = True
        if kind == "ok":
            return value
        name, message = value
        raise _ERRORS[name](message)

    def _explain(self, error: Exception) -> BaseException:
        if self._failure is not None:
            return self._failure
        computed = self._computed + time.monotonic() - self._since
        if computed >= self._limits.compute_seconds:
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
        return bool(size + 16 * page > self._limits.memory_bytes)

    @staticmethod
    def _reached(limit: str) -> BatchintoryError:
        return LimitReached(
            f"the planner component has used up its limit of {limit}; raise it, or ask for less at once"
        )

    # Computing time: a clock interrupts the planner, and stands still while it waits for its host.

    def _start(self) -> None:
        self._failure = None
        self._computed = 0.0
        self._resume()

    def _resume(self) -> None:
        left = self._limits.compute_seconds - self._computed
        ffi.wasmtime_context_set_epoch_deadline(self._context, max(0, ceil(left / TICK)))
        self._since = time.monotonic()

    # Memory: see `canonical_abi.Memory`.

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the instance's memory."""
        address &= 0xFFFFFFFF
        if address + size > self._memory_size:
            self._memory_size = self._memory.data_len(self._store)
            if address + size > self._memory_size:
                raise Trap("the planner component points beyond its memory, which is a bug")
        return ctypes.string_at(self._base + address, size)

    def write(self, data: bytes | bytearray, alignment: int) -> int:
        """Puts bytes into memory that the planner frees."""
        size = len(data)
        if not size:
            return alignment
        address = self._realloc(0, 0, alignment, size) & 0xFFFFFFFF
        self._put(address, data)
        return address

    def _put(self, address: int, data: bytes | bytearray) -> None:
        if address + len(data) > self._memory_size:
            self._memory_size = self._memory.data_len(self._store)
            if address + len(data) > self._memory_size:
                raise Trap("the planner component points beyond its memory, which is a bug")
        ctypes.memmove(self._base + address, bytes(data), len(data))

    # The imports.

    def _import(self, kind: Any, name: str) -> Func:
        answer = self._answer(getattr(self, "_host_" + name.replace("-", "_")))
        callback = ffi.wasmtime_func_callback_t(answer)
        self._callbacks.append(callback)
        raw = ffi.wasmtime_func_t()
        ffi.wasmtime_func_new(
            self._context, kind.ptr(), callback, None, _NO_FINALIZER, ctypes.byref(raw)
        )
        return Func._from_raw(raw)

    def _answer(self, host: Callable[..., None]) -> Callable[..., Any]:
        def answer(_env: Any, _caller: Any, parameters: Any, _n: int, results: Any, _m: int) -> Any:
            try:
                host(parameters, results)
                return 0
            except BaseException as error:
                # It goes through the planner, which cannot go on, to whoever called it.
                self._failure = error
                trap = WasmTrap("the host failed")._consume()
                return ctypes.cast(trap, ctypes.c_void_p).value

        return answer

    def _host_settings(self, parameters: Any, _results: Any) -> None:
        settings = self._databases.settings
        data = bytearray(interface.SETTINGS.size)
        interface.SETTINGS.store(self, data, 0, settings)
        self._put(parameters[0].of.i32 & 0xFFFFFFFF, data)

    def _host_pause(self, parameters: Any, _results: Any) -> None:
        self._wait(self._databases.pause, parameters[0].of.i32 & 0xFFFFFFFF)

    def _host_query(self, parameters: Any, _results: Any) -> None:
        on, address, size, list_address, length, answer_address = (
            parameters[index].of.i32 & 0xFFFFFFFF for index in range(6)
        )
        statement = self.read(address, size).decode()
        pointers = list_address.to_bytes(4, "little") + length.to_bytes(4, "little")
        values = interface.PARAMETERS.load(self, pointers, 0)
        answer = self._wait(self._databases.query, on, statement, values)
        data = bytearray(interface.QUERY_RESULT.size)
        interface.QUERY_RESULT.store(self, data, 0, answer)
        self._put(answer_address, data)

    def _host_get_random_u64(self, _parameters: Any, results: Any) -> None:
        results[0].kind = 1
        results[0].of.i64 = secrets.randbits(64) - (1 << 63)

    def _wait(self, work: Callable[..., Any], *arguments: Any) -> Any:
        self._computed += time.monotonic() - self._since
        answer = work(*arguments)
        self._resume()
        return answer


_NO_FINALIZER = ctypes.cast(0, ctypes.CFUNCTYPE(None, ctypes.c_void_p))


class _CoreFunction:
    """A function of the core module, with room for its parameters."""

    def __init__(self, context: Any, function: Func, flat: tuple[str, ...], *, returns: bool) -> None:
        self._context = context
        self._function = ctypes.byref(function._func)
        self._keep = function
        self._parameters = (ffi.wasmtime_val_t * len(flat))()
        self._set = []
        for parameter, kind in zip(self._parameters, flat, strict=True):
            parameter.kind = _KINDS[kind]
            self._set.append((parameter.of, kind))
        self._results = (ffi.wasmtime_val_t * returns)()
        self._trap = ctypes.POINTER(ffi.wasm_trap_t)()
        self._trap_reference = ctypes.byref(self._trap)
        self._counts = (len(flat), int(returns))

    def __call__(self, *values: Any) -> int:
        for (place, kind), value in zip(self._set, values, strict=True):
            setattr(place, kind, value)
        parameters, results = self._counts
        error = ffi.wasmtime_func_call(
            self._context,
            self._function,
            self._parameters,
            parameters,
            self._results,
            results,
            self._trap_reference,
        )
        if error:
            raise WasmtimeError._from_ptr(error)
        if self._trap:
            trap, self._trap = self._trap, ctypes.POINTER(ffi.wasm_trap_t)()
            self._trap_reference = ctypes.byref(self._trap)
            raise WasmTrap._from_ptr(trap)
        return self._results[0].of.i32 if results else 0
