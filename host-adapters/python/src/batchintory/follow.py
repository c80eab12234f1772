"""Waiting for work."""

from __future__ import annotations

#: The shortest wait in seconds, whatever is asked for: whoever comes back at once does nothing but ask.
SHORTEST = 0.1


def wait_for_work(poll: float, due_in_seconds: int | None, chance: float) -> float:
    """For how many seconds a worker that was told `Nothing` waits before it asks again.

    By chance, a number from 0 to 1, something between half of ``poll`` and all of it, so that workers which were
    started together do not ask together for ever; no longer than until the next range is due. The cases in
    ``tests/follow.json`` hold for all languages.
    """
    by_chance = poll * (0.5 + 0.5 * chance)
    if due_in_seconds is not None:
        by_chance = min(by_chance, due_in_seconds)
    return max(by_chance, SHORTEST)
