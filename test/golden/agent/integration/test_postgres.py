"""The store of threads in a real Postgres: TEST_POSTGRES_URL names a database that may be written to."""

import asyncio
import os
import secrets
from collections.abc import Generator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg_pool import PoolTimeout

from acme_agent_orders.checkpoints import (
    migrate,
    open_checkpoints,
)

from stores import KEPT, keeps_threads, run_turn

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
    async def run() -> tuple[list[tuple[int, list[str]]], tuple[int, list[str]]]:
        await migrate(url)
        await migrate(url)
        async with open_checkpoints(url) as checkpoints:
            await checkpoints.ping()
            kept = await keeps_threads(checkpoints.saver)
        async with open_checkpoints(url) as reopened:
            return kept, await run_turn(reopened.saver, "a", "three")

    assert asyncio.run(run()) == (KEPT, (3, ["one", "two", "three"]))


def test_postgres_that_is_down_cannot_be_used() -> None:
    nobody = make_conninfo(DATABASE, host="127.0.0.1", port=1)

    async def run() -> None:
        async with open_checkpoints(nobody) as checkpoints:
            await checkpoints.ping()

    with pytest.raises(PoolTimeout):
        asyncio.run(run())
