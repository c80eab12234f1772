"""Signs of life in the background, by tasks of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from batchintory.life_signs import Beats, LifeSigns

if TYPE_CHECKING:
    from batchintory.lease import Lease


class TaskHeartbeat(LifeSigns):
    """Prolongs a batch's lease until it is stopped."""

    def __init__(self, send: Callable[[], Awaitable[None]], lease: Lease | None) -> None:
        """``send`` sends one sign of life."""
        super().__init__()
        self._loop = asyncio.get_running_loop()
        # A statement that is not answered must not keep the owner from knowing.
        works = () if lease is None else (self._beat(send, lease), self._watch(lease))
        self._tasks = {self._loop.create_task(work, name="batchintory-heartbeat") for work in works}

    def stop(self) -> None:
        """No more signs of life. May be called by any thread."""
        super().stop()
        with suppress(RuntimeError):  # The loop is closed, and with it the tasks.
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Waits until nothing of it is left, once it is stopped."""
        if self._is_stopped and self._tasks:
            self._cancel()
            await asyncio.wait(self._tasks)
            self._tasks = set()

    async def _beat(self, send: Callable[[], Awaitable[None]], lease: Lease) -> None:
        beats = Beats(lease)
        while True:
            await asyncio.sleep(max(beats.pause, 0.0))
            with beats.beat():
                await send()
            if beats.loss is not None:
                if not self.ends:
                    self._lose(beats.loss)
                return

    async def _watch(self, lease: Lease) -> None:
        while (left := lease.left) > 0:
            await asyncio.sleep(left)
        self._lose(lease.over())
