"""What the planner imports, answered so that an interrupt can be raised at any moment.

Python raises what the handler of a signal raises before the first instruction of a function, too. A callback of
ctypes cannot hand it on: it is printed, and the callback gives back whatever lay where its result should be, which
wasmtime takes for a trap. The signal need only arrive while the planner computes.

So the host's side is a generator, which is resumed *inside* its ``try``. It is resumed without arguments: a small
module, the bridge, exports what the planner imports, puts what is asked for into its own memory, calls the host,
and traps unless the host has said in that memory that it has answered.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Generator
from typing import Any

from wasmtime import Func, FuncType, Instance, Module, Store
from wasmtime import _bindings as c

#: Where the first parameter lies, and the result; each takes so many bytes.
SLOT = 8

#: Gives the parameters, and takes the result.
Answer = Callable[[memoryview], None]


def bridge_text(planner: Module) -> str:
    """The text of the bridge to a planner's core module."""
    functions = []
    for number, wanted in enumerate(planner.imports, 1):
        kind: Any = wanted.type
        parameters = [str(parameter) for parameter in kind.params]
        results = [str(result) for result in kind.results]
        stores = [
            f"({parameter}.store offset={SLOT * index} (i32.const 0) (local.get {index - 1}))"
            for index, parameter in enumerate(parameters, 1)
        ]
        loads = [f"({result}.load offset={SLOT} (i32.const 0))" for result in results]
        functions.append(
            f'(func (export "{wanted.name}") (param {" ".join(parameters)}) (result {" ".join(results)}) '
            f"{' '.join(stores)} (call $ask (i32.const {number})) {' '.join(loads)})"
        )
    return f"""(module
        (import "host" "answer" (func $answer))
        (memory (export "memory") 1 1)
        (func $ask (param $question i32)
            (i32.store (i32.const 0) (local.get $question))
            (call $answer)
            (if (i32.load (i32.const 0)) (then (unreachable))))
        {" ".join(functions)})"""


class Bridge:
    """The bridge as all instances of a planner share it."""

    def __init__(self, planner: Module, bridge: Module) -> None:
        self.module = bridge
        #: What the planner imports.
        self.names = [wanted.name or "" for wanted in planner.imports]
        #: The host's function. A type belongs to an engine.
        self.kind = FuncType([], [])


class HostCalls:
    """Answers what one instance of the planner asks for."""

    #: What was raised instead of an answer; the call that was under way has ended with a trap.
    failure: BaseException | None = None

    def __init__(self, store: Store, bridge: Bridge, answer: Callable[[str], Answer]) -> None:
        self._answers = [answer(name) for name in bridge.names]
        self._answering = self._answer_all()
        # wasmtime's parameters are left where they are, as the callee may in all calling conventions of 64 bits.
        self._callback = ctypes.CFUNCTYPE(ctypes.c_size_t)(self._answering.__next__)
        function = c.wasmtime_func_t()
        c.wasmtime_func_new_unchecked(
            store._context(),
            bridge.kind.ptr(),
            ctypes.cast(self._callback, c.wasmtime_func_unchecked_callback_t),
            None,
            _NO_FINALIZER,
            ctypes.byref(function),
        )
        instance = Instance(store, bridge.module, [Func._from_raw(function)])
        exports: Any = instance.exports(store)
        memory = exports["memory"]
        base = ctypes.addressof(memory.data_ptr(store).contents)
        self._memory = memoryview((ctypes.c_char * memory.data_len(store)).from_address(base)).cast("B")
        self._question = self._memory.cast("I")
        #: What the planner is to import.
        self.imports: list[Func] = [exports[name] for name in bridge.names]
        next(self._answering)

    def close(self) -> None:
        """Answers nothing any more. Before, the store must be closed."""
        self._answering.close()

    def _answer_all(self) -> Generator[int, None, None]:
        question, parameters = self._question, self._memory[SLOT:]
        try:
            while True:
                # Between this and the next resumption nothing can be raised.
                question[0] = 0
                yield 0
                self._answers[question[0] - 1](parameters)
        except GeneratorExit:
            raise
        except BaseException as error:
            # It goes through the planner, which cannot go on, to whoever called it.
            self.failure = error
        yield 0


_NO_FINALIZER = ctypes.cast(0, ctypes.CFUNCTYPE(None, ctypes.c_void_p))
