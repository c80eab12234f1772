"""A batch's lease as its owner sees it: by a clock of the owner's own, which never goes back."""

from __future__ import annotations

from time import monotonic

from batchintory.errors import LeaseOver


class Lease:
    """Until when the batch is surely its owner's."""

    def __init__(self, seconds: int, asked: float) -> None:
        """By a claim that was asked for at this time of :func:`time.monotonic`. The database has counted from a
        later one, so the lease is over here before it is there."""
        self.seconds = seconds
        self.until = asked + seconds

    @classmethod
    def of_which_is_left(cls, seconds: int, left: int, asked: float) -> Lease:
        """One with ``left`` seconds left when it was asked for at this time."""
        lease = cls(seconds, asked)
        lease.until = asked + left
        return lease

    def prolong(self, sent: float) -> None:
        """A sign of life that was sent at this time got through."""
        self.until = max(self.until, sent + self.seconds)

    @property
    def left(self) -> float:
        """How many seconds are left."""
        return self.until - monotonic()

    def over(self) -> LeaseOver:
        """What is said when it is over."""
        return LeaseOver(
            f"no sign of life got through for as long as the batch's lease of {self.seconds} seconds: somebody "
            "else may have it now"
        )
