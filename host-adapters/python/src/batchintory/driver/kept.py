"""Which statements a connection keeps prepared.

A text is prepared when it comes for the second time, so that texts which vary are not: a long row of them pushes
nothing out. Of those that repeat, the one whose latest use lies furthest back makes room. A plan that the server
has kept is as old as its statement, and the tables may have grown since; so a statement is prepared anew from time
to time. The cases in ``tests/kept_statements.json`` are those of all languages.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, Literal, NamedTuple, TypeVar

#: How many statements are kept, unless said otherwise.
USUAL = 32

#: After how many uses a statement is prepared anew.
_USES = 500

#: How many texts that came once are remembered, for each one that may be kept.
_REMEMBERED = 4

Text = TypeVar("Text", bound=Hashable)


class Turn(NamedTuple, Generic[Text]):
    """How a text is to be sent."""

    #: What is to be prepared is handed to :meth:`Kept.keep` once it is.
    sent: Literal["unnamed", "prepare", "prepared"]
    #: What is to be closed first.
    closes: Text | None = None


class Kept(Generic[Text]):
    """The statements of one connection."""

    def __init__(self, most: int) -> None:
        self._most = most
        #: Texts that came once, the latest at the end.
        self._once: dict[Text, None] = {}
        #: How often each was used, the latest at the end.
        self._uses: dict[Text, int] = {}

    def turn(self, text: Text) -> Turn[Text]:
        """How to send this text, which is about to be sent."""
        uses = self._uses.pop(text, 0)
        if uses == _USES:
            self._once[text] = None
            return Turn("prepare", text)
        if uses:
            self._uses[text] = uses + 1
            return Turn("prepared")
        if text in self._once:
            return Turn("prepare")
        self._once[text] = None
        if len(self._once) > self._most * _REMEMBERED:
            del self._once[next(iter(self._once))]
        return Turn("unnamed")

    def keep(self, text: Text) -> Text | None:
        """Keeps a text that was prepared. Gives the one that makes room, which is to be closed."""
        self._once.pop(text, None)
        oldest = next(iter(self._uses)) if len(self._uses) == self._most else None
        if oldest is not None:
            del self._uses[oldest]
        self._uses[text] = 1
        return oldest
