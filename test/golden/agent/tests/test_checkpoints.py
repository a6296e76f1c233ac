"""The store of threads in memory."""

import asyncio

from acme_agent_orders.checkpoints import (
    MEMORY,
    migrate,
    open_checkpoints,
)

from stores import KEPT, keeps_threads


def test_memory_keeps_threads() -> None:
    async def run() -> list[tuple[int, list[str]]]:
        await migrate(MEMORY)
        async with open_checkpoints(MEMORY) as checkpoints:
            await checkpoints.ping()
            return await keeps_threads(checkpoints.saver)

    assert asyncio.run(run()) == KEPT
