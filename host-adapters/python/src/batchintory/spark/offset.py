"""Where a stream stands, as Spark keeps it in its checkpoint: the batches of one micro-batch."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import Any


@dataclass(frozen=True)
class Offset:
    """The end of a micro-batch. Its batches' claim tokens follow from it, so that whoever begins again at its
    start claims the same ones."""

    #: Tells streams apart; nobody can guess it.
    stream: str
    #: Of the micro-batch.
    number: int
    #: Which of the micro-batch's claim tokens have batches.
    batches: tuple[int, ...] = ()

    @classmethod
    def first(cls) -> Offset:
        """Before anything."""
        return cls(token_hex(16), 0)

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Offset:
        """As Spark has kept it."""
        batches = str(kept["batches"])
        return cls(kept["stream"], kept["number"], tuple(map(int, batches.split(","))) if batches else ())

    def written(self) -> dict[str, Any]:
        """As Spark keeps it: it knows no lists."""
        return {"stream": self.stream, "number": self.number, "batches": ",".join(map(str, self.batches))}

    def token(self, batch: int) -> str:
        """The claim token of one of its batches."""
        return f"spark-{self.stream}-{self.number}-{batch}"

    def tokens(self) -> list[str]:
        """Those of all."""
        return [self.token(batch) for batch in self.batches]
