"""Instances of the planner for the calls of a process: one for each call under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchintory.fork_gate import gate
from batchintory.planner.limits import Limits

if TYPE_CHECKING:
    from batchintory.claim_queue import ClaimTurn
    from batchintory.database import Databases
    from batchintory.planner.instance import PlannerInstance

#: The most idle instances that are kept.
MAX_IDLE = 32

#: Instances of a parent process, which must not be taken down in this one.
_abandoned: list[Any] = []


class InstancePool:
    """Idle instances; more are made when all are busy."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: list[PlannerInstance] = []

    def call(
        self, databases: Databases, name: str, arguments: tuple[Any, ...], turn: ClaimTurn | None = None
    ) -> Any:
        """Makes a call on an instance of its own; ``turn`` is for those that claim."""
        try:
            instance = self._idle.pop()
        except IndexError:
            with gate:
                instance = self._make()
        try:
            return instance.call(databases, name, arguments, turn)
        finally:
            # Whatever happened to it, an interrupt too: only one that came to its end is used again.
            if instance.is_sound and len(self._idle) < MAX_IDLE:
                self._idle.append(instance)
            else:
                with gate:
                    instance.close()

    def _make(self) -> PlannerInstance:
        from batchintory.planner.component import planner
        from batchintory.planner.instance import PlannerInstance

        return PlannerInstance(planner(), self._limits)

    def close(self) -> None:
        """Lets go of the idle ones."""
        with gate:
            while self._idle:
                self._idle.pop().close()

    def after_fork(self) -> None:
        """Starts anew in a forked process."""
        _abandoned.append(self._idle)
        self._idle = []
