"""Threads in Postgres. No call waits longer than its limit, also if the database hangs."""

import asyncio
import logging
import secrets
import select
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final, Self, TypeVar

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from psycopg import AsyncConnection, AsyncCursor
from psycopg.abc import PQGen
from psycopg.rows import DictRow, dict_row
from psycopg.waiting import wait_async
from psycopg_pool import AsyncConnectionPool

from .lifecycle import Lifecycle, OutOfTimeError
from .spans import sql_span
from .threads import LEASE_SECONDS, ThreadBusyError, ThreadsUnavailableError, TurnCancelledError
from .unsaved import REPEATABLE, Unsaved

log = logging.getLogger(__name__)

CALL_SECONDS: Final = 5.0
PING_SECONDS: Final = 2.0
RELEASE_SECONDS: Final = 1.0
CLOSE_SECONDS: Final = 1.0
MIGRATION_POLL_SECONDS: Final = 0.2
# Also how soon a turn notices that it is cancelled.
RENEWAL_SECONDS: Final = 2.0

CREATE_CLAIMS: Final = """
CREATE TABLE IF NOT EXISTS thread_claims (
    thread_id text PRIMARY KEY,
    holder text NOT NULL,
    ends_at timestamptz NOT NULL
)
"""
ADD_CANCELLED: Final = (
    "ALTER TABLE thread_claims ADD COLUMN IF NOT EXISTS cancelled boolean NOT NULL DEFAULT false"
)
# Changes no row while another claim of the thread is valid.
CLAIM: Final = """
INSERT INTO thread_claims AS claim (thread_id, holder, ends_at)
VALUES (%(thread_id)s, %(holder)s, now() + make_interval(secs => %(seconds)s))
ON CONFLICT (thread_id) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at, cancelled = false
WHERE claim.ends_at < now()
"""
REMAINING: Final = """
SELECT extract(epoch FROM ends_at - now())::float AS seconds FROM thread_claims
WHERE thread_id = %(thread_id)s
"""
RENEW: Final = """
UPDATE thread_claims SET ends_at = now() + make_interval(secs => %(seconds)s)
WHERE thread_id = %(thread_id)s AND holder = %(holder)s
RETURNING cancelled
"""
CANCEL: Final = (
    "UPDATE thread_claims SET cancelled = true WHERE thread_id = %(thread_id)s AND ends_at > now()"
)
# Fails with a division by zero if the claim is lost. Nobody else can claim the thread in this transaction.
REQUIRE_CLAIM: Final = """
SELECT 1 / count(*) FROM (
    SELECT FROM thread_claims WHERE thread_id = %(thread_id)s AND holder = %(holder)s FOR SHARE
) AS held
"""
RELEASE: Final = "DELETE FROM thread_claims WHERE thread_id = %(thread_id)s AND holder = %(holder)s"
# Fails if the tables are missing.
FIND_CLAIMS: Final = "SELECT cancelled FROM thread_claims LIMIT 1"
# Namespaces with a colon belong to calls of subgraphs, which ended with the turn.
COMPACT: Final = """
WITH last AS (
    SELECT DISTINCT ON (checkpoint_ns)
        checkpoint_ns, checkpoint_id, checkpoint -> 'channel_versions' AS versions
    FROM checkpoints WHERE thread_id = %(thread_id)s AND position(':' IN checkpoint_ns) = 0
    ORDER BY checkpoint_ns, checkpoint_id DESC
), earlier_checkpoints AS (
    DELETE FROM checkpoints WHERE thread_id = %(thread_id)s
    AND (checkpoint_ns, checkpoint_id) NOT IN (SELECT checkpoint_ns, checkpoint_id FROM last)
), earlier_writes AS (
    DELETE FROM checkpoint_writes WHERE thread_id = %(thread_id)s
    AND (checkpoint_ns, checkpoint_id) NOT IN (SELECT checkpoint_ns, checkpoint_id FROM last)
)
DELETE FROM checkpoint_blobs AS blob WHERE thread_id = %(thread_id)s AND NOT EXISTS (
    SELECT FROM last WHERE last.checkpoint_ns = blob.checkpoint_ns AND versions ->> channel = version
)
"""
FIND_OLD: Final = """
SELECT thread_id FROM checkpoints WHERE thread_id = coalesce(%(thread_id)s, thread_id)
GROUP BY thread_id
HAVING max((checkpoint ->> 'ts')::timestamptz) < now() - make_interval(secs => %(seconds)s)
"""
# An arbitrary number, the same in all processes that migrate.
LOCK_MIGRATION: Final = "SELECT pg_try_advisory_lock(7213890162) AS locked"

# Required by AsyncPostgresSaver: autocommit, dict rows, no server-side prepared statements.
OPTIONS: Final[Mapping[str, Any]] = {
    "autocommit": True,
    "prepare_threshold": None,
    "row_factory": dict_row,
    "connect_timeout": int(CALL_SECONDS),
}

T = TypeVar("T")


class _Claim:
    """A claim, and the checkpoints of its turn that are not stored yet."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.unsaved = Unsaved()


# The claim under which the current task runs.
_claim: Final[ContextVar[_Claim | None]] = ContextVar("claim", default=None)


class _Connection(AsyncConnection[DictRow]):
    """Closes itself if a statement is cancelled. Psycopg would wait for the database, which may hang."""

    async def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:  # noqa: ASYNC109
        """See AsyncConnection."""
        try:
            return await wait_async(gen, self.pgconn.socket, interval, timeout)
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise


class _Cursor(AsyncCursor[DictRow]):
    """Records statements."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """See AsyncCursor."""
        with sql_span(str(query)):
            return await super().execute(query, params, **options)

    async def executemany(self, query: Any, params_seq: Any, *, returning: bool = False) -> None:
        """See AsyncCursor."""
        with sql_span(str(query)):
            await super().executemany(query, params_seq, returning=returning)


Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


class PostgresThreads:
    """Threads in the tables of create_tables()."""

    def __init__(self, pool: Pool, lifecycle: Lifecycle) -> None:
        self._store = _Store(pool, lifecycle)
        self.saver = _Saver(pool, self._store)

    @asynccontextmanager
    async def claim(self, thread_id: str, seconds: float = LEASE_SECONDS) -> AsyncGenerator[None]:
        """See Threads.claim."""
        holder = secrets.token_hex(16)
        claim = {"thread_id": thread_id, "holder": holder, "seconds": seconds}
        async with self._store.connection() as connection:
            claimed = await connection.execute(CLAIM, claim)
            if claimed.rowcount == 0:
                other = await (await connection.execute(REMAINING, claim)).fetchone()
                raise ThreadBusyError(other["seconds"] if other else 0)
        held = _Claim(holder)
        _claim.set(held)
        ends = asyncio.timeout(None)
        renewal = asyncio.create_task(self._renew(claim, min(seconds / 3, RENEWAL_SECONDS), ends))
        try:
            async with ends:
                yield
        except TimeoutError as error:
            if not ends.expired():
                raise
            raise TurnCancelledError("the turn was cancelled") from error
        finally:
            renewal.cancel()
            await self._release(claim, held)

    async def _renew(self, claim: Mapping[str, object], seconds: float, ends: asyncio.Timeout) -> None:
        """Renew a claim, and end its body if it was cancelled. That of a lost claim fails when it stores."""
        while True:
            await asyncio.sleep(seconds)
            try:
                async with self._store.connection() as connection:
                    claimed = await (await connection.execute(RENEW, claim)).fetchone()
            except ThreadsUnavailableError as error:
                log.warning("claim not renewed", extra={"fields": {"error": repr(error.__cause__)}})
                continue
            if claimed is not None and claimed["cancelled"] and ends.when() is None:
                ends.reschedule(asyncio.get_running_loop().time())

    async def cancel(self, thread_id: str) -> bool:
        """See Threads.cancel."""
        async with self._store.connection() as connection:
            return (await connection.execute(CANCEL, {"thread_id": thread_id})).rowcount > 0

    async def _release(self, claim: Mapping[str, object], held: _Claim) -> None:
        try:
            # Not within the limit of the turn, which may have ended.
            async with asyncio.timeout(RELEASE_SECONDS), self._store.pool.connection() as connection:
                if not held.unsaved:
                    await connection.execute(RELEASE, claim)
                    return
                # The turn failed or asked: what it has of its message is kept.
                async with connection.pipeline(), connection.transaction():
                    await connection.execute(REQUIRE_CLAIM, claim)
                    await held.unsaved.save(self.saver.on(connection))
                    await connection.execute(RELEASE, claim)
        except (psycopg.OperationalError, psycopg.errors.DivisionByZero, TimeoutError) as error:
            # The claim expires, and a message that is sent again begins where the thread was stored.
            log.warning("claim not released", extra={"fields": {"error": repr(error)}})

    async def compact(self, thread_id: str) -> None:
        """See Threads.compact."""
        async with self.saver.saving(thread_id) as connection:
            await connection.execute(COMPACT, {"thread_id": thread_id})

    async def delete(self, thread_id: str) -> None:
        """See Threads.delete."""
        async with self._store.claimed(thread_id) as connection:
            await AsyncPostgresSaver(connection).adelete_thread(thread_id)

    async def delete_older_than(self, seconds: float) -> int:
        """See Threads.delete_older_than. Leaves threads with a running turn."""
        deleted = 0
        for thread_id in await self._old(None, seconds):
            try:
                async with self.claim(thread_id):
                    if await self._old(thread_id, seconds):
                        await self.delete(thread_id)
                        deleted += 1
            except ThreadBusyError:
                log.info("thread is in use", extra={"fields": {"thread_id": thread_id}})
        return deleted

    async def _old(self, thread_id: str | None, seconds: float) -> Sequence[str]:
        async with self._store.connection() as connection:
            found = await connection.execute(FIND_OLD, {"thread_id": thread_id, "seconds": seconds})
            return [row["thread_id"] for row in await found.fetchall()]

    async def ping(self) -> None:
        """See Threads.ping."""
        async with self._store.connection(PING_SECONDS) as connection:
            await connection.execute(FIND_CLAIMS)


class _Store:
    """Connections within limits."""

    def __init__(self, pool: Pool, lifecycle: Lifecycle) -> None:
        self.pool = pool
        self._lifecycle = lifecycle

    @asynccontextmanager
    async def connection(self, seconds: float = CALL_SECONDS) -> AsyncGenerator[AsyncConnection[DictRow]]:
        """A connection for at most `seconds`. Raises ThreadsUnavailableError."""
        try:
            async with self._lifecycle.limit(seconds), self.pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, OutOfTimeError) as error:
            raise ThreadsUnavailableError("the thread store is unavailable") from error

    @asynccontextmanager
    async def claimed(self, thread_id: str) -> AsyncGenerator[AsyncConnection[DictRow]]:
        """A transaction that fails unless this task holds the claim of the thread.

        Otherwise a process that was paused for longer than its claim would overwrite a later turn.
        """
        held = _claim.get()
        claim = {"thread_id": thread_id, "holder": held.holder if held else ""}
        try:
            async with self.connection() as connection, connection.pipeline(), connection.transaction():
                await connection.execute(REQUIRE_CLAIM, claim)
                yield connection
        except psycopg.errors.DivisionByZero as error:
            raise ThreadsUnavailableError("the claim of the thread expired") from error


class _Saver(AsyncPostgresSaver):
    """Uses a connection per call, and writes only for the holder of the claim.

    AsyncPostgresSaver itself would lock its pool, so that all turns of the process wait for each other, and
    store every step, also those that need not be: see unsaved.py.
    """

    def __init__(self, pool: Pool, store: _Store) -> None:
        super().__init__(pool, serde=serializer())
        self._store = store

    def on(self, connection: AsyncConnection[DictRow]) -> AsyncPostgresSaver:
        """A saver that uses a connection, and stores at once."""
        return AsyncPostgresSaver(connection, serde=self.serde)

    @asynccontextmanager
    async def saving(self, thread_id: str) -> AsyncGenerator[AsyncConnection[DictRow]]:
        """Store what is not stored yet in the transaction of the body."""
        held = _claim.get()
        async with self._store.claimed(thread_id) as connection:
            saved = await held.unsaved.save(self.on(connection)) if held else None
            yield connection
        if held is not None and saved is not None:
            held.unsaved.forget(saved)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """See AsyncPostgresSaver."""
        held = _claim.get()
        if held is not None and held.unsaved:
            async with self.saving(_thread(config)):
                pass
        async with self._store.connection() as connection:
            return await self.on(connection).aget_tuple(config)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """See AsyncPostgresSaver."""
        held = _claim.get()
        if held is None:
            async with self._store.claimed(_thread(config)) as connection:
                return await self.on(connection).aput(config, checkpoint, metadata, new_versions)
        stored = held.unsaved.put(config, checkpoint, metadata, new_versions)
        if not held.unsaved.can_wait(checkpoint):
            async with self.saving(_thread(config)):
                pass
        return stored

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """See AsyncPostgresSaver."""
        held = _claim.get()
        if held is not None and task_path in REPEATABLE:
            held.unsaved.put_writes((config, writes, task_id, task_path))
            return
        if held is not None:
            held.unsaved.expect_effects()
        async with self.saving(_thread(config)) as connection:
            await self.on(connection).aput_writes(config, writes, task_id, task_path)


def _thread(config: RunnableConfig) -> str:
    return config.get("configurable", {})["thread_id"]


@asynccontextmanager
async def open_postgres(url: str, lifecycle: Lifecycle) -> AsyncGenerator[PostgresThreads]:
    """Open the store, even if its database is not reachable yet."""
    pool = Pool(
        url,
        connection_class=_Connection,
        open=False,
        min_size=1,
        max_size=8,
        timeout=CALL_SECONDS,
        # The backoff grows without limit; giving up early starts a new series of attempts.
        reconnect_timeout=CALL_SECONDS,
        # Replaces a connection that the database closed.
        check=_check,
        kwargs={**OPTIONS, "cursor_factory": _Cursor},
    )
    await pool.open()
    try:
        yield PostgresThreads(pool, lifecycle)
    finally:
        await pool.close(CLOSE_SECONDS)


async def _check(connection: AsyncConnection[DictRow]) -> None:
    """Raise if the database closed an idle connection; only then it has something to read. Asks nothing."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        connection.pgconn.finish()
        raise psycopg.OperationalError("the connection is closed")


async def create_tables(url: str) -> None:
    """Create or update the tables. Idempotent and safe to run concurrently."""
    async with await AsyncConnection[DictRow].connect(url, **OPTIONS) as connection:
        # The lock ends with the connection. A waiting statement would block CREATE INDEX CONCURRENTLY.
        while not await _is_locked(connection):  # noqa: ASYNC110  (another process holds it)
            await asyncio.sleep(MIGRATION_POLL_SECONDS)
        await AsyncPostgresSaver(connection).setup()
        await connection.execute(CREATE_CLAIMS)
        await connection.execute(ADD_CANCELLED)


async def _is_locked(connection: AsyncConnection[DictRow]) -> bool:
    row = await (await connection.execute(LOCK_MIGRATION)).fetchone()
    return row is not None and row["locked"]


def serializer() -> JsonPlusSerializer:
    """Return a serializer of LangGraph's messages: a stored row cannot instantiate other classes."""
    return JsonPlusSerializer(allowed_msgpack_modules=None)
