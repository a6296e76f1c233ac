"""Stores of threads: in memory or in Postgres, selected by CHECKPOINT_URL."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any, Final

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
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
MIGRATION_POLL_SECONDS: Final = 0.2

CREATE_CLAIMS: Final = """
CREATE TABLE IF NOT EXISTS thread_claims (
    thread_id text PRIMARY KEY,
    holder text NOT NULL,
    ends_at timestamptz NOT NULL
)
"""
# Changes no row while another claim of the thread is valid.
CLAIM: Final = """
INSERT INTO thread_claims AS claim (thread_id, holder, ends_at)
VALUES (%(thread_id)s, %(holder)s, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (thread_id) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at
WHERE claim.ends_at < now()
"""
REMAINING: Final = """
SELECT extract(epoch FROM ends_at - now())::float AS seconds FROM thread_claims
WHERE thread_id = %(thread_id)s
"""
HOLDS: Final = "SELECT FROM thread_claims WHERE thread_id = %(thread_id)s AND holder = %(holder)s"
# Fails if the tables are missing.
FIND_CLAIMS: Final = "SELECT FROM thread_claims LIMIT 1"
RELEASE: Final = "DELETE FROM thread_claims WHERE thread_id = %(thread_id)s AND holder = %(holder)s"
# An arbitrary number, the same in all processes that migrate.
LOCK_MIGRATION: Final = "SELECT pg_try_advisory_lock(7213890162) AS locked"

# Required by AsyncPostgresSaver: autocommit, dict rows, no server-side prepared statements.
OPTIONS: Final[Mapping[str, Any]] = {
    "autocommit": True,
    "prepare_threshold": None,
    "row_factory": dict_row,
}

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]
# The holder of the claim under which the current task runs.
_holder: Final[ContextVar[str]] = ContextVar("holder of a claim", default="")


class MemoryThreads:
    """Threads in memory, lost when the process ends."""

    def __init__(self) -> None:
        self.saver = InMemorySaver(serde=_serializer())
        self._claimed: dict[str, float] = {}

    @asynccontextmanager
    async def claim(self, thread_id: str, seconds: float) -> AsyncGenerator[None]:
        """See Threads.claim."""
        now = asyncio.get_running_loop().time()
        if thread_id in self._claimed:
            raise ThreadBusyError(self._claimed[thread_id] - now)
        self._claimed[thread_id] = now + seconds
        try:
            yield
        finally:
            del self._claimed[thread_id]

    async def ping(self) -> None:
        """See Threads.ping."""


class PostgresThreads:
    """Threads in the tables that migrate() creates."""

    def __init__(self, pool: Pool) -> None:
        self.saver = _Saver(pool)
        self._pool = pool

    @asynccontextmanager
    async def claim(self, thread_id: str, seconds: float) -> AsyncGenerator[None]:
        """See Threads.claim."""
        holder = secrets.token_hex(16)
        claim = {"thread_id": thread_id, "holder": holder, "seconds": seconds}
        with _store():
            async with self._pool.connection() as connection:
                claimed = await connection.execute(CLAIM, claim)
                if claimed.rowcount == 0:
                    other = await (await connection.execute(REMAINING, claim)).fetchone()
                    raise ThreadBusyError(other["seconds"] if other else 0)
        _holder.set(holder)
        try:
            yield
        finally:
            await self._release(claim)

    async def _release(self, claim: Mapping[str, object]) -> None:
        try:
            async with self._pool.connection() as connection:
                await connection.execute(RELEASE, claim)
        except psycopg.OperationalError:
            # The outcome of the turn is stored; the claim expires.
            log.warning("claim not released", exc_info=True)

    async def ping(self) -> None:
        """See Threads.ping."""
        async with self._pool.connection(timeout=PING_TIMEOUT_SECONDS) as connection:
            await connection.execute(FIND_CLAIMS)


class _Saver(AsyncPostgresSaver):
    """Raises ThreadsUnavailableError for its own failures, and writes only for the holder of the claim.

    Otherwise a process that was paused for longer than its claim would overwrite a later turn.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, serde=_serializer())
        self._pool = pool

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """See AsyncPostgresSaver."""
        with _store():
            return await super().aget_tuple(config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """See AsyncPostgresSaver."""
        with _store():
            await self._check_claim(config)
            return await super().aput(config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """See AsyncPostgresSaver."""
        with _store():
            await self._check_claim(config)
            await super().aput_writes(config, writes, task_id, task_path)

    async def _check_claim(self, config: RunnableConfig) -> None:
        claim = {"thread_id": config.get("configurable", {})["thread_id"], "holder": _holder.get()}
        async with self._pool.connection() as connection:
            held = await connection.execute(HOLDS, claim)
        if held.rowcount == 0:
            raise ThreadsUnavailableError("the claim of the thread expired")


@contextmanager
def _store() -> Generator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        raise ThreadsUnavailableError("the thread store is unavailable") from error


@asynccontextmanager
async def open_threads(url: str) -> AsyncGenerator[Threads]:
    """Open the store, even if its database is not reachable yet."""
    if url == MEMORY:
        yield MemoryThreads()
        return
    async with _pool(url) as pool:
        yield PostgresThreads(pool)


async def migrate(url: str) -> None:
    """Create or update the tables of the store. Idempotent and safe to run concurrently."""
    if url == MEMORY:
        return
    async with await AsyncConnection[DictRow].connect(url, **OPTIONS) as connection:
        # The lock ends with the connection. A waiting statement would block CREATE INDEX CONCURRENTLY.
        while not await _is_locked(connection):  # noqa: ASYNC110  (another process holds it)
            await asyncio.sleep(MIGRATION_POLL_SECONDS)
        await AsyncPostgresSaver(connection).setup()
        await connection.execute(CREATE_CLAIMS)


async def _is_locked(connection: AsyncConnection[DictRow]) -> bool:
    row = await (await connection.execute(LOCK_MIGRATION)).fetchone()
    return row is not None and row["locked"]


def _pool(url: str) -> Pool:
    return AsyncConnectionPool(
        url,
        open=False,
        min_size=1,
        max_size=8,
        timeout=POOL_TIMEOUT_SECONDS,
        # The backoff grows without limit; giving up early starts a new series of attempts.
        reconnect_timeout=POOL_TIMEOUT_SECONDS,
        # Replaces a connection that the database closed.
        check=Pool.check_connection,
        kwargs={**OPTIONS},
    )


def _serializer() -> JsonPlusSerializer:
    # Deserializes only the message types of LangGraph, so a stored row cannot instantiate other classes.
    return JsonPlusSerializer(allowed_msgpack_modules=None)
