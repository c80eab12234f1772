"""Whether a connection has something to say that nobody asked for."""

from __future__ import annotations

import select


def waits(descriptor: int, seconds: float = 0.0) -> bool:
    """Whether there is something to read within so many seconds, or the other end has closed: at no cost of a
    round trip."""
    if descriptor < 0:
        return True
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1_000))
    return bool(select.select([descriptor], [], [], seconds)[0])
