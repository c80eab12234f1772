"""What an instance of the planner may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What an instance of the planner may use.

    Time that the databases take does not count as computing; it is stopped some 50 ms late.

    :param compute_seconds: how long a call may compute.
    :param memory_bytes: how much memory an instance may have.

    >>> Inventory("sqlite:lake.sqlite", limits=Limits(compute_seconds=60))
    <Inventory 'inventory' in sqlite>
    """

    compute_seconds: float = 10.0
    memory_bytes: int = 64 * 1024 * 1024
