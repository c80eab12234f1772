"""The synchronous inventory, as the calls of an event loop use it."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any

from batchintory.asynchronous.loop_call import this_call
from batchintory.batch import Batch
from batchintory.errors import BatchintoryError
from batchintory.inventory import Inventory

if TYPE_CHECKING:
    from batchintory.database import Database
    from batchintory.records import AcquireRequest, Completion, Nothing


class LoopInventory(Inventory):
    """Its databases are those of an event loop. Each claim has a token that its call knows, so that what was
    claimed by a call that is cancelled can be given back."""

    def _advance(
        self, done: Completion | None, request: AcquireRequest, claim_token: str | None, items: int
    ) -> Batch | Nothing | BatchintoryError:
        return super()._advance(done, request, _known(claim_token), items)

    def acquire_many(self, request: AcquireRequest, batches: int, claim_token: str | None = None) -> list[Batch]:
        """See :class:`~batchintory.inventory.Inventory`."""
        first = _known(claim_token)
        if claim_token is None:
            this_call().claim_tokens += [f"{first}/{number}" for number in range(2, batches + 1)]
        return super().acquire_many(request, batches, first)

    def _inside(self, connection: Any) -> Database:
        from batchintory.asynchronous.engine_database import AsyncTransactionDatabase

        return AsyncTransactionDatabase(connection, self._both[0].schema)


def _known(claim_token: str | None) -> str:
    """The caller's token, who goes on with it. Another one is known to the call alone."""
    if claim_token is not None:
        return claim_token
    token = token_hex(16)
    this_call().claim_tokens.append(token)
    return token
