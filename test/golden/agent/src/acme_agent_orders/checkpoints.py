"""Where threads are kept. LangGraph's BaseCheckpointSaver is the port; CHECKPOINT_URL chooses the adapter."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

MEMORY: Final = "memory:"


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """A store of threads: a saver for the graph, and `ping`, which raises while it cannot be used."""

    saver: BaseCheckpointSaver[str]
    ping: Callable[[], Awaitable[None]]


@asynccontextmanager
async def open_checkpoints(url: str) -> AsyncGenerator[Checkpoints]:
    """Opens the store: `memory:` lives as long as the process, `postgresql://…` as long as the database."""
    # Only the message types that LangGraph knows are read back: a stored row names no class of its choice.
    serde = JsonPlusSerializer(allowed_msgpack_modules=None)
    if url == MEMORY:
        yield Checkpoints(InMemorySaver(serde=serde), _always)
        return
    async with _pool(url) as pool:

        async def ping() -> None:
            async with pool.connection(timeout=2.0) as connection:
                await connection.execute("SELECT 1")

        yield Checkpoints(AsyncPostgresSaver(pool, serde=serde), ping)


async def migrate(url: str) -> None:
    """Creates or updates the tables of the store. Safe to repeat; nothing to do for `memory:`."""
    if url == MEMORY:
        return
    async with _pool(url) as pool:
        await AsyncPostgresSaver(pool).setup()


def _pool(url: str) -> AsyncConnectionPool[AsyncConnection[DictRow]]:
    # What the saver asks of its connections: autocommit, dict rows, no server-side prepared statements.
    options = {"autocommit": True, "prepare_threshold": None, "row_factory": dict_row}
    return AsyncConnectionPool(url, open=False, min_size=1, max_size=8, kwargs=options)


async def _always() -> None:
    return None
