"""The interface of the thread store, which checkpoints.py implements."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver


class ThreadBusyError(Exception):
    """Another turn of the thread is running, in this or another process, for at most `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("another turn of this thread is running")
        self.seconds = seconds


class ThreadsUnavailableError(Exception):
    """The store is unavailable."""


class Threads(Protocol):
    """Stores threads, and ensures that each has one turn at a time."""

    @property
    def saver(self) -> BaseCheckpointSaver[str]:
        """The checkpointer of LangGraph, which stores the state of threads. Writes require a claim."""
        ...

    def claim(self, thread_id: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """Lock a thread for the body, for at most `seconds`; then another caller can claim it.

        Raises ThreadBusyError and ThreadsUnavailableError. The saver also raises ThreadsUnavailableError.
        """
        ...

    async def ping(self) -> None:
        """Raise if the store is unavailable."""
        ...
