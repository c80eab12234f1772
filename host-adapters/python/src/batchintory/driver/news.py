"""Whether a connection that lay idle has something to say, which is mostly that it has ended."""

from __future__ import annotations

import select


def waits(descriptor: int) -> bool:
    """Whether there is something to read, or the other end has closed, at no cost of a round trip."""
    if descriptor < 0:
        return True
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([descriptor], [], [], 0)[0])
