"""A subject of the scenarios as `subject.py`, whose calls go through an `AsyncInventory`.

Its argument is the module for PostgreSQL, or for MySQL.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import Any

from conftest import async_url
from sqlalchemy.ext.asyncio import create_async_engine
from subject import answered, arguments, page_both_ways, refusal

from batchintory import AsyncInventory, BatchintoryError, to_json


async def opened(stack: AsyncExitStack, urls: list[str], driver: str) -> AsyncInventory:
    """An inventory on engines of its own."""
    engines = [create_async_engine(async_url(url, driver)) for url in dict.fromkeys(urls)]
    for engine in engines:
        stack.push_async_callback(engine.dispose)
    return await stack.enter_async_context(AsyncInventory(*engines))


async def call(inventory: AsyncInventory, name: str, given: dict[str, Any]) -> Any:
    """Makes a call."""
    if name == "items":
        return await inventory._call(lambda: page_both_ways(inventory._inventory, **given))
    method = getattr(inventory, name.replace("-", "_"))
    return answered(name, await method(**arguments(name, given)))


async def main(driver: str) -> None:
    """Answers until the input ends."""
    async with AsyncExitStack() as stack:
        while line := await asyncio.to_thread(sys.stdin.readline):
            ((name, given),) = json.loads(line).items()
            try:
                if name == "open":
                    await stack.aclose()
                    inventory = await opened(stack, given, driver)
                    answer: dict[str, Any] = {"ok": None}
                else:
                    answer = {"ok": await call(inventory, name, given)}
            except BatchintoryError as error:
                answer = refusal(error)
            print(to_json(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
