"""Repeating statements that met a passing conflict."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from batchintory.database import DatabaseError, Rows

#: How often a statement is sent at most.
MAX_TRIES = 10
_SHORTEST, _LONGEST = 0.002, 0.5


def repeat(statement: Callable[[], Rows]) -> Rows:
    """Repeats a statement while the database reports a serialization failure, a deadlock or a locked file,
    all of which leave nothing behind. Waits a little longer each time, by chance."""
    delay = _SHORTEST
    for _ in range(MAX_TRIES - 1):
        try:
            return statement()
        except DatabaseError as error:
            if error.kind != "retryable":
                raise
        time.sleep(delay * random.uniform(1, 2))
        delay = min(delay * 2, _LONGEST)
    return statement()
