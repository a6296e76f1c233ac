"""The interface of the thread store, which checkpoints.py and postgres.py implement."""

from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver

LEASE_SECONDS: Final = 15.0
"""How long the claim of a killed process lasts. A running process renews its claims."""


class ThreadBusyError(Exception):
    """Another turn of the thread is running, in this or another process; its claim lasts `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("another turn of this thread is running")
        self.seconds = seconds


class ThreadsUnavailableError(Exception):
    """The store is unavailable."""


class TurnCancelledError(Exception):
    """Somebody cancelled the turn."""


class Threads(Protocol):
    """Stores threads, and ensures that each has one turn at a time.

    All methods and the saver raise ThreadsUnavailableError, also if the store does not answer.
    """

    @property
    def saver(self) -> BaseCheckpointSaver[str]:
        """The checkpointer of LangGraph, which stores the state of threads. Writes require a claim."""
        ...

    def claim(self, thread_id: str, seconds: float = LEASE_SECONDS) -> AbstractAsyncContextManager[None]:
        """Lock a thread for the body, and renew the claim before its `seconds` end.

        Raises ThreadBusyError. Raises TurnCancelledError, once the body ended, after cancel().
        """
        ...

    async def cancel(self, thread_id: str) -> bool:
        """Cancel the body of a claim within two seconds, also in another process; False if there is none."""
        ...

    async def compact(self, thread_id: str) -> None:
        """Store the turn that ended, and delete all but the last checkpoint. Requires a claim."""
        ...

    async def delete(self, thread_id: str) -> None:
        """Delete a thread. Requires a claim."""
        ...

    async def delete_older_than(self, seconds: float) -> int:
        """Delete threads without a turn in the last `seconds`, and return how many."""
        ...

    async def ping(self) -> None:
        """Raise if the store is unavailable."""
        ...
