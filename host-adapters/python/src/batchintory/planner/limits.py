"""What an instance of the planner may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What an instance of the planner may use.

    Time that the databases take does not count as computing; it is stopped some 50 ms late.
    """

    compute_seconds: float = 10.0
    memory_bytes: int = 64 * 1024 * 1024
