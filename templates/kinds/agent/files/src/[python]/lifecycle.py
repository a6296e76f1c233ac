"""The end of the process: whether it is on its way out, and by when its turns have to end."""

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class OutOfTimeError(Exception):
    """The turn was broken off: it took too long, or the process has to stop."""


class Lifecycle:
    """Shared by those who stop the process and by what runs in it."""

    def __init__(self) -> None:
        self.draining = False
        self._latest = math.inf
        self._deadlines: set[asyncio.Timeout] = set()

    @asynccontextmanager
    async def limit(self, seconds: float) -> AsyncGenerator[None]:
        """Gives the body `seconds`, or less when the process has to stop. Raises OutOfTimeError."""
        # A request can be let in just before the listener closes.
        deadline = asyncio.timeout_at(min(asyncio.get_running_loop().time() + seconds, self._latest))
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
            self._deadlines.discard(deadline)

    def end_within(self, seconds: float) -> None:
        """Leaves all that runs under a limit, now or later, at most `seconds` from now."""
        self._latest = asyncio.get_running_loop().time() + seconds
        for deadline in self._deadlines:
            when = deadline.when()
            if when is not None and when > self._latest and not deadline.expired():
                deadline.reschedule(self._latest)
