"""A call of synchronous code, in a thread of its own that waits in the event loop.

The planner is WebAssembly, which cannot give way to others while it waits for an answer. So the code that calls
it runs in a thread, which does nothing but compute. Whatever it waits for, the event loop does in its place, as a
task: a statement, a pause, a turn. So the program's engine and its connections stay in the program's loop, and a
call can be cancelled wherever it waits.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar, cast

from batchintory import waiting

T = TypeVar("T")

#: A statement that is under way when its call is cancelled may go on for so many seconds. Mostly it has ended long
#: before: then it is known what came of it, and its connection is of use to others.
GRACE = 1.0

#: How often is looked for an event of threads, in seconds.
_LOOK = 0.1


class Interrupted(BaseException):
    """Raised where a thread waits whose call was cancelled. Like an interrupt, it is no error to be handled."""


class LoopCall(Generic[T]):
    """A call that is made once."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._result: T
        self._error: BaseException | None = None
        self._is_cancelled = False
        #: What the thread waits for, for how long it goes on when the call is cancelled, and then its end.
        self._awaited: asyncio.Task[Any] | None = None
        self._grace = 0.0
        self._last_moment: asyncio.TimerHandle | None = None
        #: Tokens of claims that nobody knows of but this call.
        self.claim_tokens: list[str] = []

    async def run(self) -> T:
        """Makes the call. When this is cancelled, nothing of the call is left once it returns."""
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(self._run_in_thread,), name="batchintory-call", daemon=True
        )
        thread.start()
        while not self._ended.done():
            try:
                await asyncio.wait([self._ended])
            except asyncio.CancelledError:
                self._cancel(at_once=self._is_cancelled)
        # Nothing comes behind what it has said of its end.
        thread.join()
        if self._is_cancelled or isinstance(self._error, Interrupted):
            raise asyncio.CancelledError
        if self._error is not None:
            try:
                raise self._error
            finally:
                # The traceback leads back here.
                self._error = None
        return self._result

    def _run_in_thread(self) -> None:
        waiting.wait_by(self)
        try:
            self._result = self._work()
        except BaseException as error:
            self._error = error
        with suppress(RuntimeError):  # The loop may be closed: then nobody is left to be told.
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    def _cancel(self, *, at_once: bool) -> None:
        self._is_cancelled = True
        awaited = self._awaited
        if awaited is None:
            return  # It computes, and is told where it waits next.
        if at_once or not self._grace:
            awaited.cancel()
        elif self._last_moment is None:
            self._last_moment = self._loop.call_later(self._grace, awaited.cancel)

    # What the thread does.

    def wait_for(self, work: Callable[[], Coroutine[Any, Any, Any]], grace: float = 0.0) -> Any:
        """Lets the loop do something, and gives what came of it."""
        answer: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            self._loop.call_soon_threadsafe(self._begin, work, grace, answer)
        except RuntimeError:
            raise Interrupted from None  # The loop is closed.
        return answer.result()

    def sleep(self, seconds: float) -> None:
        """See :class:`batchintory.waiting.Waits`."""
        self.wait_for(partial(asyncio.sleep, seconds))

    def until(self, event: threading.Event, seconds: float) -> bool:
        """See :class:`batchintory.waiting.Waits`."""
        return cast(bool, self.wait_for(partial(_until, event, seconds)))

    def ticket(self) -> waiting.Ticket:
        """See :class:`batchintory.waiting.Waits`."""
        return _LoopTicket(self)

    # What the loop does for it.

    def _begin(
        self,
        work: Callable[[], Coroutine[Any, Any, Any]],
        grace: float,
        answer: concurrent.futures.Future[Any],
    ) -> None:
        if self._is_cancelled:
            answer.set_exception(Interrupted())
            return
        self._grace = grace
        self._awaited = self._loop.create_task(work())
        self._awaited.add_done_callback(partial(self._answer, answer))

    def _answer(self, answer: concurrent.futures.Future[Any], awaited: asyncio.Task[Any]) -> None:
        self._awaited = None
        if self._last_moment is not None:
            self._last_moment.cancel()
        if awaited.cancelled():
            answer.set_exception(Interrupted())
        elif (error := awaited.exception()) is not None:
            answer.set_exception(error)
        else:
            answer.set_result(awaited.result())


class _LoopTicket:
    """A place in a queue for a thread that waits in a loop."""

    def __init__(self, call: LoopCall[Any]) -> None:
        self._call = call
        self._released: concurrent.futures.Future[None] = concurrent.futures.Future()

    def wait(self) -> None:
        """See :class:`batchintory.waiting.Ticket`."""
        self._call.wait_for(self._wait)

    async def _wait(self) -> None:
        await asyncio.wrap_future(self._released)

    def release(self) -> None:
        """See :class:`batchintory.waiting.Ticket`."""
        with suppress(concurrent.futures.InvalidStateError):  # It was cancelled at this moment.
            self._released.set_result(None)


async def _until(event: threading.Event, seconds: float) -> bool:
    end = asyncio.get_running_loop().time() + seconds
    while not event.is_set() and (left := end - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(min(left, _LOOK))
    return event.is_set()


def this_call() -> LoopCall[Any]:
    """The call that this thread makes."""
    call = waiting.of_this_thread()
    if not isinstance(call, LoopCall):
        raise RuntimeError("an inventory of an event loop is called by its AsyncInventory alone")
    return call
