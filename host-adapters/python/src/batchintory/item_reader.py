"""Reads the items of a batch: by a statement that the planner gives and the driver runs, and by the planner where
that does not do.

What is to be looked at is said at ``items-statement`` in ``wit/inventory.wit``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from operator import itemgetter, lt
from typing import TYPE_CHECKING, Any, Union, cast

from batchintory.records import Item

if TYPE_CHECKING:
    from batchintory.inventory import Inventory
    from batchintory.records import PageStatement

#: The most items of a page.
LONGEST_PAGE = 10_000

#: An item's fields. Python's collector looks through all objects again and again, but soon no more through plain
#: tuples of texts and numbers. An :class:`Item` is none, so it costs several times as much, and is made where it
#: is asked for.
Row = tuple[int, Union[str, None], float]

#: Of an item that the statement does not give, and of one that is no UTF-8, where a driver puts this for it.
_NOT_GIVEN = ("\1", "\ufffd")

#: An item of its fields, in a fraction of the time that its own constructor takes.
as_item = cast("Callable[[Row], Item]", partial(tuple.__new__, Item))


class ItemReader:
    """Reads pages of one batch's items, one behind the other."""

    def __init__(self, inventory: Inventory, claim_token: str) -> None:
        self._inventory = inventory
        self._claim_token = claim_token
        self._statement: PageStatement | None = None
        #: Whether the planner itself is to be asked, from now on.
        self._asks_planner = False

    def read(self, after: int | None, limit: int) -> Sequence[Row]:
        """The page behind this id; an empty one is the end."""
        if type(limit) is int and 1 <= limit <= LONGEST_PAGE and (page := self._read_by_statement(after, limit)):
            return page
        return self._inventory.items(self._claim_token, after, limit)

    def _read_by_statement(self, after: int | None, limit: int) -> Sequence[Row]:
        """What the statement gives for sure; where that is nothing, the planner is to be asked."""
        if self._asks_planner:
            return []
        if self._statement is None:
            self._statement = self._inventory.items_statement(self._claim_token)
        if self._statement is None:
            self._asks_planner = True
            return []
        behind = self._statement.after if after is None else max(after, self._statement.after)
        # One row more shows whether the page ends between two of one id.
        rows = self._inventory._run(self._statement, behind, limit + 1)
        if not rows:
            return []
        given = _given(rows)
        self._asks_planner = given < len(rows)
        return cast("Sequence[Row]", rows[: min(given, limit)])


def _given(rows: Sequence[Any]) -> int:
    """How many rows from the first on are items as they are."""
    if set(map(len, rows)) != {3}:
        return 0
    uids, items, weights = (list(map(itemgetter(column), rows)) for column in range(3))
    # All at once, since there are many.
    if (
        set(map(type, uids)) == {int}
        and set(map(type, weights)) == {float}
        and set(map(type, items)) <= {str, type(None)}
        and all(map(lt, uids, islice(uids, 1, None)))
        and _is_given("".join(filter(None, items)))
    ):
        return len(rows)
    last = None
    for index, (uid, item, weight) in enumerate(rows):
        if (
            type(uid) is not int
            or type(weight) is not float
            or not (item is None or (type(item) is str and _is_given(item)))
        ):
            return index
        if last is not None and uid <= last:
            return index - 1
        last = uid
    return len(rows)


def _is_given(text: str) -> bool:
    return not any(character in text for character in _NOT_GIVEN)
