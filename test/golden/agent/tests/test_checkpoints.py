"""The store of threads in memory."""

import asyncio

from acme_agent_orders.checkpoints import (
    MEMORY,
    migrate,
    open_threads,
)

from stores import check_claims, check_keeping, failed_answers, failed_writes


def test_memory_keeps_threads() -> None:
    async def run() -> None:
        await migrate(MEMORY)
        async with open_threads(MEMORY) as threads:
            await threads.ping()
            await check_keeping(threads)

    asyncio.run(run())


def test_memory_lets_a_thread_be_claimed_once() -> None:
    async def run() -> None:
        async with open_threads(MEMORY) as threads:
            await check_claims(threads, threads)

    asyncio.run(run())


def test_memory_that_fails_at_any_write_leads_to_no_wrong_reply() -> None:
    async def run() -> list[str]:
        async with open_threads(MEMORY) as threads:
            return await failed_writes(threads)

    assert asyncio.run(run()) == []


def test_memory_that_fails_at_any_write_gives_no_answer_to_another_question() -> None:
    async def run() -> list[str]:
        async with open_threads(MEMORY) as threads:
            return await failed_answers(threads)

    assert asyncio.run(run()) == []
