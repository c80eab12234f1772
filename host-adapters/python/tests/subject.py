"""A subject of the scenarios in `tests/scenarios`: reads calls and writes answers, a line of JSON each.

The call `open` comes first, and again for each scenario: the URLs of the inventory's and the meta tables'
database.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import ExitStack
from typing import Any

import pytest

from batchintory import (
    AcquireRequest,
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
    return {"batch": acquired.record} if isinstance(acquired, Batch) else {"nothing": acquired}


def target(form: Any) -> Any:
    """What to put back."""
    if form == "exhausted":
        return "exhausted", None
    ((kind, value),) = form.items()
    return kind, [IdRange(**ids) for ids in value] if kind == "ids" else value


def page_both_ways(inventory: Inventory, claim_token: str, after: int | None, limit: int) -> list[Item]:
    """A page as the planner gives it. What is read by its statement must be the same, or fail as it does."""
    try:
        page = inventory.items(claim_token, after, limit)
    except BatchintoryError as error:
        with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
            read(inventory, claim_token, after, max(limit, 1))
        raise
    assert read(inventory, claim_token, after, limit)[: len(page)] == page
    return page


def read(inventory: Inventory, claim_token: str, after: int | None, limit: int) -> list[Item]:
    """So many items by the planner's statement."""
    reader = ItemReader(inventory, claim_token)
    found: list[Item] = []
    while len(found) < limit and (rows := reader.read(after, limit - len(found))):
        found += map(as_item, rows)
        after = found[-1].uid
    return found


def call(inventory: Inventory, name: str, given: dict[str, Any]) -> Any:
    """Makes a call."""
    match name:
        case "acquire":
            return acquisition(inventory.acquire(request(given)))
        case "acquire-with-token":
            return acquisition(inventory.acquire(request(given["request"]), given["claim_token"]))
        case "advance":
            done = given.get("done")
            done = done and Completion(done["claim_token"], Outcome(**done["outcome"]))
            token = given.get("claim_token")
            acquired = inventory.advance(done, request(given["request"]), token, given["items"])
            items = acquired.first_items if isinstance(acquired, Batch) else []
            return {"acquisition": acquisition(acquired), "items": items}
        case "acquire-many":
            batches = inventory.acquire_many(request(given["request"]), given["batches"])
            return [batch.record for batch in batches]
        case "heartbeat":
            return inventory.heartbeat(given["claim_token"], given["lease_seconds"])
        case "requeue":
            return inventory.requeue(given["meta_table"], given["job"], target(given["target"]))
        case "audit":
            return inventory.audit(given["meta_table"], given["job"], given.get("after"), given["limit"])
        case "items":
            return page_both_ways(inventory, given["claim_token"], given.get("after"), given["limit"])
        case "complete":
            return inventory.complete(given["claim_token"], Outcome(**given["outcome"]))
        case "plan":
            return inventory.plan(request(given["request"]), given["batches"], given.get("after"))
        case "progress":
            return inventory.progress(request(given["request"]), given["cap"])
        case "warnings":
            return inventory.warnings(request(given))
        case "jobs":
            after = given.pop("after", None)
            return inventory.jobs(JobsQuery(**given, after=after and JobPlace(**after)))
        case "history":
            return inventory.history(HistoryQuery(**given))
        case "schema-statements":
            return inventory.schema_statements(given["dialect"])
        case "migrate":
            return inventory.migrate()
    raise ValueError(f"there is no call {name!r}")


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
                facts = {name: getattr(error, name, None) for name in Explanation._fields[1:]}
                told = {name: fact for name, fact in facts.items() if fact is not None}
                answer = {"error": {"name": error.name, "message": str(error), **told}}
            print(to_json(answer), flush=True)


if __name__ == "__main__":
    main()
