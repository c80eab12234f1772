"""A subject of the scenarios in `tests/scenarios`: reads calls and writes answers, a line of JSON each.

The call `open` comes first, and again for each scenario: the URLs of the inventory's and the meta tables'
database.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from batchintory import (
    AcquireRequest,
    AsyncBatch,
    Batch,
    BatchintoryError,
    Completion,
    HistoryQuery,
    IdRange,
    InvalidRequest,
    Inventory,
    Item,
    JobPlace,
    JobsQuery,
    MetaColumns,
    Outcome,
    to_json,
)
from batchintory.errors import Explanation
from batchintory.item_reader import ItemReader, as_item


def request(arguments: dict[str, Any]) -> AcquireRequest:
    """A request from its JSON form."""
    columns = MetaColumns(**arguments.get("columns", {}))
    try:
        return AcquireRequest(**{"meta_table": "", "job": "", **arguments, "columns": columns})
    except TypeError as error:
        raise InvalidRequest(str(error)) from error


def acquisition(acquired: Any) -> dict[str, Any]:
    """What `acquire` gives."""
    return {"batch": acquired.record} if isinstance(acquired, (Batch, AsyncBatch)) else {"nothing": acquired}


def target(form: Any) -> Any:
    """What to requeue."""
    if form == "exhausted":
        return "exhausted", None
    ((kind, value),) = form.items()
    return kind, [IdRange(**ids) for ids in value] if kind == "ids" else value


def jobs_query(form: dict[str, Any]) -> JobsQuery:
    """A query for jobs from its JSON form."""
    after = form.pop("after", None)
    return JobsQuery(**form, after=after and JobPlace(**after))


#: How arguments are read that are no plain values, by their names, and where these do not tell, by operation.
ARGUMENTS: dict[str, Callable[[Any], Any]] = {
    "request": request,
    "done": lambda form: form and Completion(form["claim_token"], Outcome(**form["outcome"])),
    "outcome": lambda form: Outcome(**form),
    "target": target,
    "jobs query": jobs_query,
    "history query": lambda form: HistoryQuery(**form),
}


def page_both_ways(inventory: Inventory, claim_token: str, limit: int, after: int | None = None) -> list[Item]:
    """A page as the planner gives it. What is read by its statement must be the same, or fail as it does."""
    try:
        page = inventory.items(claim_token, after, limit)
    except BatchintoryError as error:
        with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
            read(inventory, claim_token, after, limit)
        raise
    assert read(inventory, claim_token, after, limit)[: len(page)] == page
    return page


def read(inventory: Inventory, claim_token: str, after: int | None, limit: int) -> list[Item]:
    """So many items by the planner's statement."""
    reader = ItemReader(inventory, claim_token)
    found: list[Item] = []
    # A limit that is refused is passed on, too.
    while rows := reader.read(after, limit - len(found)):
        found += map(as_item, rows)
        after = found[-1].uid
        if len(found) >= limit:
            break
    return found


def call(inventory: Inventory, name: str, given: dict[str, Any]) -> Any:
    """Makes a call: the method that is named as the operation, with arguments of the operation's names."""
    if name == "items":
        return page_both_ways(inventory, **given)
    method = getattr(inventory, name.replace("-", "_"))
    return answered(name, method(**arguments(name, given)))


def arguments(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """A call's arguments from their JSON form."""

    def read(argument: str, value: Any) -> Any:
        reading = ARGUMENTS.get(argument, ARGUMENTS.get(f"{name} {argument}"))
        return value if reading is None else reading(value)

    return {argument: read(argument, value) for argument, value in given.items()}


def answered(name: str, answer: Any) -> Any:
    """What a method gave, as the operation gives it."""
    match name:
        case "acquire":
            return acquisition(answer)
        case "batch":
            seconds = answer.lease_seconds
            # What is left of it the package keeps to itself.
            lease = None if seconds is None else {"seconds": seconds, "left": 0}
            return {"batch": answer.record, "lease": lease}
        case "advance":
            items = answer.first_items if isinstance(answer, (Batch, AsyncBatch)) else []
            return {"next": {"acquisition": acquisition(answer), "items": items}}
        case "acquire-many":
            return [batch.record for batch in answer]
    return answer


def refusal(error: BatchintoryError) -> dict[str, Any]:
    """An error in its JSON form."""
    facts = {name: getattr(error, name, None) for name in Explanation._fields[1:]}
    told = {name: fact for name, fact in facts.items() if fact is not None}
    return {"error": {"name": error.name, "message": str(error), **told}}


def main() -> None:
    """Answers until the input ends."""
    with ExitStack() as opened:
        for line in sys.stdin:
            ((name, given),) = json.loads(line).items()
            try:
                if name == "open":
                    opened.close()
                    inventory = opened.enter_context(Inventory(*given))
                    answer: dict[str, Any] = {"ok": None}
                else:
                    answer = {"ok": call(inventory, name, given)}
            except BatchintoryError as error:
                answer = refusal(error)
            print(to_json(answer), flush=True)


if __name__ == "__main__":
    main()
