"""Records as a table: in notebooks, and for pandas."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from html import escape
from typing import Any, TypeVar

T = TypeVar("T")


class Table(list[T]):
    """A list of records, which notebooks show as a table.

    >>> inventory.history().to_pandas()["status"].value_counts()  # doctest: +SKIP
    """

    def _repr_html_(self) -> str:
        return html(self)

    def to_pandas(self) -> Any:
        """The records as a ``DataFrame`` with a column for each field, where pandas is installed.

        >>> inventory.jobs().to_pandas()[["job", "items"]]  # doctest: +SKIP
        """
        from pandas import DataFrame

        return DataFrame([_fields(record) for record in self])


def html(records: Iterable[Any]) -> str:
    """The records as a table of HTML, a column for each field."""
    rows = [_fields(record) for record in records]
    if not rows:
        return "<p>none</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    lines = ("".join(f"<td>{_shown(value)}</td>" for value in row.values()) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


#: The most characters of a value that are shown: a log may have a MiB.
_LONGEST = 200


def _shown(value: Any) -> str:
    text = "" if value is None else str(value)
    return escape(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def _fields(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
