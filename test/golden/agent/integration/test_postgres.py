"""The store of threads in a real Postgres: TEST_POSTGRES_URL names a database that may be written to."""

import asyncio
import os
import secrets
from collections.abc import Generator
from contextvars import copy_context

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg_pool import PoolTimeout

from acme_agent_orders.checkpoints import (
    migrate,
    open_threads,
)
from acme_agent_orders.threads import ThreadsUnavailableError

from stores import check_claims, check_keeping, failed_answers, failed_writes, run_turn, write_turn

DATABASE = os.environ["TEST_POSTGRES_URL"]


@pytest.fixture
def url() -> Generator[str]:
    """A schema of this test's own."""
    schema = sql.Identifier(name := f"test_{secrets.token_hex(8)}")
    with psycopg.connect(DATABASE, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        yield make_conninfo(DATABASE, options=f"-c search_path={name}")
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(schema))


def test_postgres_keeps_threads(url: str) -> None:
    async def run() -> tuple[int, list[str]]:
        await migrate(url)
        await migrate(url)
        async with open_threads(url) as threads:
            await threads.ping()
            await check_keeping(threads)
        async with open_threads(url) as reopened:
            return await run_turn(reopened, "a", "three")

    assert asyncio.run(run()) == (3, ["one", "two", "three"])


def test_postgres_that_fails_at_any_write_leads_to_no_wrong_reply(url: str) -> None:
    async def run() -> list[str]:
        await migrate(url)
        async with open_threads(url) as threads:
            return await failed_writes(threads)

    assert asyncio.run(run()) == []


def test_postgres_that_fails_at_any_write_gives_no_answer_to_another_question(url: str) -> None:
    async def run() -> list[str]:
        await migrate(url)
        async with open_threads(url) as threads:
            return await failed_answers(threads)

    assert asyncio.run(run()) == []


def test_postgres_lets_a_thread_be_claimed_once(url: str) -> None:
    async def run() -> None:
        await migrate(url)
        async with open_threads(url) as threads, open_threads(url) as other_process:
            await check_claims(threads, other_process)

    asyncio.run(run())


def test_postgres_ends_a_claim_that_a_crash_left_behind_and_its_holder_writes_no_more(url: str) -> None:
    async def run() -> tuple[int, list[str]]:
        await migrate(url)
        async with open_threads(url) as stopped, open_threads(url) as threads, stopped.claim("a", 0.1):
            await asyncio.sleep(0.5)
            held = copy_context()
            # A context of its own, as another process has.
            await asyncio.create_task(run_turn(threads, "a", "one"))
            with pytest.raises(ThreadsUnavailableError, match="lost its claim"):
                await asyncio.create_task(write_turn(stopped, "a", "late"), context=held)
            return await run_turn(threads, "a", "two")

    assert asyncio.run(run()) == (2, ["one", "two"])


def test_postgres_can_be_migrated_by_many_at_once(url: str) -> None:
    async def run() -> None:
        await asyncio.gather(*[migrate(url) for _ in range(4)])
        async with open_threads(url) as threads:
            await threads.ping()

    asyncio.run(run())


def test_a_database_of_a_tool_that_is_down_is_not_the_store(url: str) -> None:
    async def run() -> None:
        await migrate(url)
        async with open_threads(url) as threads, threads.claim("a", 60):
            await psycopg.AsyncConnection.connect(make_conninfo(DATABASE, host="127.0.0.1", port=1))

    with pytest.raises(psycopg.OperationalError):
        asyncio.run(run())


def test_postgres_that_is_down_cannot_be_used() -> None:
    nobody = make_conninfo(DATABASE, host="127.0.0.1", port=1)

    async def run() -> None:
        async with open_threads(nobody) as threads:
            with pytest.raises(PoolTimeout):
                await threads.ping()
            with pytest.raises(ThreadsUnavailableError):
                async with threads.claim("a", 60):
                    pass

    asyncio.run(run())


def test_postgres_without_its_tables_cannot_be_used(url: str) -> None:
    async def run() -> None:
        async with open_threads(url) as threads:
            await threads.ping()

    with pytest.raises(psycopg.errors.UndefinedTable):
        asyncio.run(run())


def test_postgres_connections_that_broke_are_replaced(url: str) -> None:
    async def run() -> None:
        await migrate(url)
        name = f"test {secrets.token_hex(8)}"
        async with open_threads(make_conninfo(url, application_name=name)) as threads:
            await threads.ping()
            with psycopg.connect(DATABASE, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
                    [name],
                )
            await run_turn(threads, "a", "one")

    asyncio.run(run())
