"""Repeating statements that met a passing conflict."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from batchintory.statements import DatabaseError, Rows, Value

#: How often a statement is sent at most.
MAX_TRIES = 10
_SHORTEST, _LONGEST = 0.002, 0.5


def repeat(
    query: Callable[[str, Sequence[Value]], Rows], statement: str, parameters: Sequence[Value], tries: int
) -> Rows:
    """Repeats a statement while the database reports a serialization failure, a deadlock or a locked file,
    all of which leave nothing behind. Waits a little longer each time, by chance."""
    delay = _SHORTEST
    while True:
        try:
            return query(statement, parameters)
        except DatabaseError as error:
            tries -= 1
            if error.kind != "retryable" or tries == 0:
                raise
        time.sleep(delay * random.uniform(1, 2))
        delay = min(delay * 2, _LONGEST)
