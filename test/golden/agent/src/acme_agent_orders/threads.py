"""The store of threads, as this agent needs it: a port, which checkpoints.py implements."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver


class ThreadBusyError(Exception):
    """The thread has a turn under way, in this process or in another."""


class ThreadsUnavailableError(Exception):
    """The store cannot be used at the moment."""


class Threads(Protocol):
    """Keeps threads, and sees to it that each has one turn at a time."""

    @property
    def saver(self) -> BaseCheckpointSaver[str]:
        """LangGraph's own port: where the graph stores the state of a thread."""
        ...

    def claim(self, thread_id: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """Holds a thread for the body. A claim that a crash left behind ends after `seconds`.

        Raises ThreadBusyError, and ThreadsUnavailableError also when the store fails in the body.
        """
        ...

    async def ping(self) -> None:
        """Raises while the store cannot be used."""
        ...
