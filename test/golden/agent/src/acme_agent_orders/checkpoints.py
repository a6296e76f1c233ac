"""Where threads are kept: in memory, or in Postgres. CHECKPOINT_URL chooses."""

import logging
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import psycopg
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from .threads import ThreadBusyError, Threads, ThreadsUnavailableError

log = logging.getLogger(__name__)

MEMORY: Final = "memory:"
POOL_TIMEOUT_SECONDS: Final = 5.0
PING_TIMEOUT_SECONDS: Final = 2.0

CREATE_CLAIMS: Final = """
CREATE TABLE IF NOT EXISTS thread_claims (
    thread_id text PRIMARY KEY,
    holder text NOT NULL,
    ends_at timestamptz NOT NULL
)
"""
# Changes no row while another claim of the thread holds.
CLAIM: Final = """
INSERT INTO thread_claims AS claim (thread_id, holder, ends_at)
VALUES (%(thread_id)s, %(holder)s, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (thread_id) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at
WHERE claim.ends_at < now()
"""
# Needs the tables, but no row.
FIND_CLAIMS: Final = "SELECT FROM thread_claims LIMIT 1"
RELEASE: Final = "DELETE FROM thread_claims WHERE thread_id = %(thread_id)s AND holder = %(holder)s"

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


class MemoryThreads:
    """Threads that live as long as the process."""

    def __init__(self) -> None:
        self.saver = InMemorySaver(serde=_serializer())
        self._claimed: set[str] = set()

    @asynccontextmanager
    async def claim(self, thread_id: str, seconds: float) -> AsyncGenerator[None]:
        """See Threads.claim."""
        if thread_id in self._claimed:
            raise ThreadBusyError("a turn of this thread is under way")
        self._claimed.add(thread_id)
        try:
            yield
        finally:
            self._claimed.discard(thread_id)

    async def ping(self) -> None:
        """See Threads.ping."""


class PostgresThreads:
    """Threads in the tables that migrate() makes."""

    def __init__(self, pool: Pool) -> None:
        self.saver = AsyncPostgresSaver(pool, serde=_serializer())
        self._pool = pool

    @asynccontextmanager
    async def claim(self, thread_id: str, seconds: float) -> AsyncGenerator[None]:
        """See Threads.claim."""
        claim = {"thread_id": thread_id, "holder": secrets.token_hex(16), "seconds": seconds}
        try:
            async with self._pool.connection() as connection:
                claimed = await connection.execute(CLAIM, claim)
            if claimed.rowcount == 0:
                raise ThreadBusyError("a turn of this thread is under way")
            try:
                yield
            finally:
                await self._release(claim)
        except psycopg.OperationalError as error:
            # Of the claim, or of the saver in the body.
            raise ThreadsUnavailableError("the store of threads does not answer") from error

    async def _release(self, claim: Mapping[str, object]) -> None:
        try:
            async with self._pool.connection() as connection:
                await connection.execute(RELEASE, claim)
        except psycopg.OperationalError:
            # The outcome of the turn stands; the claim ends by itself.
            log.warning("claim not released", exc_info=True)

    async def ping(self) -> None:
        """See Threads.ping."""
        async with self._pool.connection(timeout=PING_TIMEOUT_SECONDS) as connection:
            await connection.execute(FIND_CLAIMS)


@asynccontextmanager
async def open_threads(url: str) -> AsyncGenerator[Threads]:
    """Opens the store, whether or not its database can be reached yet."""
    if url == MEMORY:
        yield MemoryThreads()
        return
    async with _pool(url) as pool:
        yield PostgresThreads(pool)


async def migrate(url: str) -> None:
    """Creates or updates the tables of the store. Safe to repeat; nothing to do for `memory:`."""
    if url == MEMORY:
        return
    async with _pool(url) as pool:
        await AsyncPostgresSaver(pool).setup()
        async with pool.connection() as connection:
            await connection.execute(CREATE_CLAIMS)


def _pool(url: str) -> Pool:
    # What the saver asks of its connections: autocommit, dict rows, no server-side prepared statements.
    options = {"autocommit": True, "prepare_threshold": None, "row_factory": dict_row}
    return AsyncConnectionPool(
        url,
        open=False,
        min_size=1,
        max_size=8,
        timeout=POOL_TIMEOUT_SECONDS,
        # Attempts are ever further apart; one that gives up soon makes room for a new series.
        reconnect_timeout=POOL_TIMEOUT_SECONDS,
        # A connection that the database closed meanwhile is replaced rather than handed out.
        check=Pool.check_connection,
        kwargs=options,
    )


def _serializer() -> JsonPlusSerializer:
    # Only the message types that LangGraph knows are read back: a stored row names no class of its choice.
    return JsonPlusSerializer(allowed_msgpack_modules=None)
