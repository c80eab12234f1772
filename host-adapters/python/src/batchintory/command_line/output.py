"""Tables for people, JSON for programs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from batchintory.records import to_json

#: The most characters of a result or a log that are shown.
_LONGEST = 48

#: Of a URL only the scheme is told: what follows may hold a password.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://\S*")


def tell(text: str) -> None:
    """Says something to people, beside what is printed for programs."""
    print(text, file=sys.stderr)


def without_urls(text: str) -> str:
    """A text that may hold what somebody typed, without what may be a secret."""
    return _URL.sub(r"\1://…", text)


def print_list(records: Iterable[Any]) -> None:
    """Prints JSON documents as a list, one line each: there may be more of them than memory can hold."""
    is_first = True
    for record in records:
        print("[" if is_first else ",", to_json(record), sep="\n", end="")
        is_first = False
    print("[]" if is_first else "\n]")


def print_table(headings: Sequence[str], right: Iterable[int], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table. The columns of ``right`` hold numbers."""
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    to_right = frozenset(right)
    for line in (headings, *rows):
        cells = (
            cell.rjust(width) if number in to_right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join(cells).rstrip())


def number(value: float) -> str:
    """A number with its thousands apart."""
    return f"{int(value):,}" if value == int(value) else f"{value:,.4f}".rstrip("0")


def excerpt(text: str) -> str:
    """The beginning of a text, on one line."""
    line = text.replace("\n", " ")
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"
