"""Records as a table: in notebooks, and for pandas."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from html import escape
from typing import Any, TypeVar

from batchintory.json_text import write

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

    def to_polars(self) -> Any:
        """The records as a ``DataFrame`` of polars with a column for each field, where polars is installed. What
        is no number or text is JSON.

        >>> inventory.jobs().to_polars().select("job", "items")  # doctest: +SKIP
        """
        from polars import DataFrame

        return DataFrame(_columns(self))

    def to_arrow(self) -> Any:
        """The records as a ``Table`` of Arrow with a column for each field, where pyarrow is installed: for DuckDB
        and whoever else reads it. What is no number or text is JSON.

        >>> inventory.history().to_arrow().column_names[:3]  # doctest: +SKIP
        ['id', 'meta_table', 'job']
        """
        from pyarrow import Table

        return Table.from_pydict(_columns(self))


#: What columns of tables hold as it is.
_PLAIN = (str, int, float, bool, type(None))


def _columns(records: list[Any]) -> dict[str, list[Any]]:
    """The values of each field. Those that may be anything are JSON, so that a column has one type."""
    columns = {}
    for name, kind in _kinds(records[0]).items() if records else ():
        values = [getattr(record, name) for record in records]
        if kind == "Any" or not all(isinstance(value, _PLAIN) for value in values):
            values = [None if value is None else write(value) for value in values]
        columns[name] = values
    return columns


#: The most rows that are shown: a batch may have a million items.
_MOST_ROWS = 100


def html(records: Sequence[Any]) -> str:
    """The records as a table of HTML, a column for each field."""
    rows = [_fields(record) for record in records[:_MOST_ROWS]]
    if not rows:
        return "<p>none</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in rows[0])
    lines = ("".join(f"<td>{_shown(value)}</td>" for value in row.values()) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return table if len(rows) == len(records) else f"{table}<p>{len(rows)} of {len(records)}</p>"


#: The most characters of a value that are shown: a log may have a MiB.
_LONGEST = 200


def _shown(value: Any) -> str:
    text = "" if value is None else str(value)
    return escape(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _kinds(record)}


def _kinds(record: Any) -> dict[str, Any]:
    """The names of its fields, each with its type as it is written."""
    if isinstance(record, tuple):
        # An item, of which there are too many to be anything else.
        return dict.fromkeys(type(record)._fields)  # type: ignore[attr-defined]
    return {field.name: field.type for field in dataclasses.fields(record)}
