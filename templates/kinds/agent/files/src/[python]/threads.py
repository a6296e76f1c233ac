"""The store of threads, as this agent needs it: a port, which checkpoints.py implements."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver


class ThreadBusyError(Exception):
    """The thread has a turn under way, in this process or in another, for `seconds` at most."""

    def __init__(self, seconds: float) -> None:
        super().__init__("a turn of this thread is under way")
        self.seconds = seconds


class ThreadsUnavailableError(Exception):
    """The store cannot be used at the moment."""


class Threads(Protocol):
    """Keeps threads, and sees to it that each has one turn at a time."""

    @property
    def saver(self) -> BaseCheckpointSaver[str]:
        """LangGraph's own port: where the graph stores the state of a thread. Writes under a claim alone."""
        ...

    def claim(self, thread_id: str, seconds: float) -> AbstractAsyncContextManager[None]:
        """Holds a thread for the body, for `seconds` at most: who claims it after that writes alone.

        Raises ThreadBusyError and ThreadsUnavailableError; so does the saver when the store fails.
        """
        ...

    async def ping(self) -> None:
        """Raises while the store cannot be used."""
        ...
