"""Shutdown of the process: whether it drains, and the deadline of its turns."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final

_outer: Final[ContextVar[asyncio.Timeout | None]] = ContextVar("limit of the current task", default=None)


class OutOfTimeError(Exception):
    """The body was cancelled: it took too long, or the process is stopping."""


class Lifecycle:
    """The shutdown state, shared by the server and its turns."""

    def __init__(self) -> None:
        self.draining = False
        self._latest = math.inf
        self._deadlines: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def limit(self, seconds: float) -> AsyncGenerator[None]:
        """Limit the body to `seconds`, or less if a limit around it ends or the process stops.

        A limit in a task that the body starts is within it, too. Raises OutOfTimeError.
        """
        outer = _outer.get()
        ends = None if outer is None else outer.when()
        # A request can be accepted just before the listener closes.
        latest = min(
            asyncio.get_running_loop().time() + seconds, self._latest, math.inf if ends is None else ends
        )
        deadline = asyncio.timeout_at(latest)
        token = _outer.set(deadline)
        try:
            async with deadline:
                self._deadlines.add(deadline)
                yield
        except TimeoutError as error:
            if not deadline.expired():
                raise
            reason = "the process is stopping" if self.draining else f"no reply after {seconds:g} seconds"
            raise OutOfTimeError(reason) from error
        finally:
            _outer.reset(token)
            self._deadlines.discard(deadline)

    def end_within(self, seconds: float) -> None:
        """End all current and later bodies under a limit within `seconds` from now."""
        self._latest = asyncio.get_running_loop().time() + seconds
        for deadline in self._deadlines:
            when = deadline.when()
            if when is not None and when > self._latest and not deadline.expired():
                deadline.reschedule(self._latest)
