"""Nothing of ours holds a lock of a library while the program forks.

A forked process has only the thread that forked. What another one had locked at that moment inside SQLite,
wasmtime or, while it connects, OpenSSL would stay locked in it for good, so a fork waits until such work is
done, and such work until the fork is over.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType

#: How long a fork waits at most, in seconds: one that is made in the middle of such work would wait for ever.
PATIENCE = 10.0

#: How often is looked whether the wait is over, in seconds. Forks are few.
_LOOK_AGAIN = 0.001


class ForkGate:
    """Passed by work that must not be forked in: ``with gate: …``, never one inside another.

    It is made of sets of threads, each changed at one stroke, and not of locks: an interrupt at the wrong moment
    would leave a lock of Python's own code closed. A thread that was interrupted on its way is at worst
    taken for one that is inside, until it passes again.
    """

    def __init__(self) -> None:
        self._open_again()

    def _open_again(self) -> None:
        self._forking: set[int] = set()
        self._inside: set[int] = set()

    def __enter__(self) -> None:
        this = threading.get_ident()
        while True:
            # First in, then look; who forks first says so, then looks. So one of them sees the other.
            self._inside.add(this)
            if not self._forking:
                return
            self._inside.discard(this)
            time.sleep(_LOOK_AGAIN)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._inside.discard(threading.get_ident())

    def before_fork(self) -> None:
        """Waits until nobody else is inside, and lets nobody in."""
        this = threading.get_ident()
        self._forking.add(this)
        end = time.monotonic() + PATIENCE
        while not self._inside <= {this} and time.monotonic() < end:
            time.sleep(_LOOK_AGAIN)

    def after_fork_in_parent(self) -> None:
        """Lets them in again."""
        self._forking.discard(threading.get_ident())

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
