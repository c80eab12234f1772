"""Nothing of ours holds a lock of a library while the program forks.

A forked process has only the thread that forked. What another one had locked at that moment inside SQLite,
wasmtime or, while it connects, OpenSSL would stay locked in it for good, so a fork waits until such work is
done, and such work until the fork is over.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType

#: How long a fork waits at most, in seconds: one that is made in the middle of such work would wait for ever.
PATIENCE = 10.0


class ForkGate:
    """Passed by work that must not be forked in: ``with gate: …``, never one inside another."""

    def __init__(self) -> None:
        self._open_again()

    def _open_again(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._closed = False
        self._inside = 0

    def __enter__(self) -> None:
        with self._changed:
            while self._closed:
                self._changed.wait()
            self._inside += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._changed:
            self._inside -= 1
            if self._closed:
                self._changed.notify_all()

    def before_fork(self) -> None:
        """Waits until nobody is inside, and lets nobody in."""
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: self._inside == 0, PATIENCE)

    def after_fork_in_parent(self) -> None:
        """Lets them in again."""
        with self._changed:
            self._closed = False
            self._changed.notify_all()

    def after_fork_in_child(self) -> None:
        """Nobody is left to let in."""
        self._open_again()


gate = ForkGate()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=gate.before_fork,
        after_in_parent=gate.after_fork_in_parent,
        after_in_child=gate.after_fork_in_child,
    )
