"""Stores of threads: in memory or in Postgres, selected by CHECKPOINT_URL."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from .lifecycle import Lifecycle
from .postgres import create_tables, open_postgres, serializer
from .threads import LEASE_SECONDS, ThreadBusyError, Threads, TurnCancelledError

MEMORY: Final = "memory:"


class MemoryThreads:
    """Threads in memory, lost when the process ends."""

    def __init__(self) -> None:
        self.saver = InMemorySaver(serde=serializer())
        self._claimed: dict[str, asyncio.Timeout] = {}

    @asynccontextmanager
    async def claim(self, thread_id: str, seconds: float = LEASE_SECONDS) -> AsyncGenerator[None]:
        """See Threads.claim."""
        if thread_id in self._claimed:
            raise ThreadBusyError(seconds)
        ends = self._claimed[thread_id] = asyncio.timeout(None)
        try:
            async with ends:
                yield
        except TimeoutError as error:
            if ends.expired():
                raise TurnCancelledError("the turn was cancelled") from error
            raise
        finally:
            del self._claimed[thread_id]

    async def cancel(self, thread_id: str) -> bool:
        """See Threads.cancel."""
        if (ends := self._claimed.get(thread_id)) is None:
            return False
        if not ends.expired():
            ends.reschedule(asyncio.get_running_loop().time())
        return True

    async def compact(self, thread_id: str) -> None:
        """See Threads.compact."""
        thread: RunnableConfig = {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}
        if (last := self.saver.get_tuple(thread)) is not None:
            self.saver.delete_thread(thread_id)
            self.saver.put(thread, last.checkpoint, last.metadata, last.checkpoint["channel_versions"])

    async def delete(self, thread_id: str) -> None:
        """See Threads.delete."""
        self.saver.delete_thread(thread_id)

    async def delete_older_than(self, seconds: float) -> int:
        """Delete nothing: these threads end with the process."""
        return 0

    async def ping(self) -> None:
        """See Threads.ping."""


@asynccontextmanager
async def open_threads(url: str, lifecycle: Lifecycle) -> AsyncGenerator[Threads]:
    """Open the store, even if its database is not reachable yet."""
    if url == MEMORY:
        yield MemoryThreads()
        return
    async with open_postgres(url, lifecycle) as threads:
        yield threads


async def migrate(url: str) -> None:
    """Create or update the tables of the store. Idempotent and safe to run concurrently."""
    if url != MEMORY:
        await create_tables(url)
