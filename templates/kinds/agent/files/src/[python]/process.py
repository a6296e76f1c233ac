"""The commands of the process: serve, and migrate or prune the store of threads."""

import asyncio
import logging
import os
import re
import signal
import socket
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import FrameType
from typing import Final

import uvicorn

from .chat_model import open_model
from .context import Context
from .graph import build_graph
from .platform.api import create_app
from .platform.checkpoints import migrate, open_threads
from .platform.lifecycle import Lifecycle
from .platform.logs import configure_logging
from .platform.requests import Resources
from .platform.settings import ConfigurationError, read_settings
from .platform.telemetry import telemetry
from .platform.toolbox import ToolsError, grant
from .platform.turns import Turns
from .settings import Settings, StoreSettings
from .tools import TOOLS

log = logging.getLogger(__name__)

PACKAGE: Final = __package__ or ""

SIGNAL_POLL_SECONDS: Final = 0.1


class _Server(uvicorn.Server):
    """Stops in order: readiness fails; after a delay the listener closes; turns end; the store closes.

    The delay lets load balancers stop sending requests; a second signal ends it early.
    """

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, settings: Settings) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._settings = settings
        self._hurries = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn."""
        self._hurries = self.should_exit
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._lifecycle.draining = True
        log.info("draining")
        closing = time.monotonic() + self._settings.drain_delay_seconds
        while time.monotonic() < closing and not self._hurries:  # noqa: ASYNC110  (a signal sets it)
            await asyncio.sleep(SIGNAL_POLL_SECONDS)
        self._lifecycle.end_within(self._settings.drain_timeout_seconds)
        await super().shutdown(sockets)


def main(arguments: Sequence[str]) -> int:
    """Run a command. Return the exit code: 0 done, 1 failed, 2 invalid usage or configuration."""
    configure_logging()
    try:
        match arguments:
            case []:
                return serve(read_settings(Settings, os.environ))
            case ["migrate"]:
                store = read_settings(StoreSettings, os.environ)
                asyncio.run(migrate(store.checkpoint_url.get_secret_value()))
                return 0
            case ["prune", "--older-than", age] if (days := _days(age)) is not None:
                store = read_settings(StoreSettings, os.environ)
                asyncio.run(prune(store.checkpoint_url.get_secret_value(), days))
                return 0
            case _:
                log.error("usage: python -m %s [migrate | prune --older-than <days>d]", PACKAGE)
                return 2
    except ConfigurationError as error:
        log.error("configuration: %s", error)
        return 2
    except Exception:
        log.exception("failed")
        return 1


async def prune(url: str, days: int) -> None:
    """Delete threads without a turn in the last `days`."""
    async with open_threads(url, Lifecycle()) as threads:
        deleted = await threads.delete_older_than(days * 86_400)
    log.info("pruned", extra={"fields": {"threads": deleted}})


def _days(age: str) -> int | None:
    return int(age[:-1]) if re.fullmatch(r"[0-9]{1,5}d", age) else None


def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Return the exit code. Raises ConfigurationError."""
    server = create_server(settings)
    # Handles signals before uvicorn listens, and those that it raises again after a clean stop: exit code 0.
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, server.handle_exit)
    with telemetry(PACKAGE.replace("_", "-"), os.environ):
        server.run()
    return 0 if server.started else 1


def create_server(settings: Settings) -> uvicorn.Server:
    """Create the server without starting it. Raises ConfigurationError."""
    try:
        tools = grant(TOOLS, settings.tool_grants)
    except ToolsError as error:
        raise ConfigurationError(str(error)) from error
    context = partial(
        Context,
        open_model(settings),
        settings.model_input_tokens,
        tools,
        settings.service_token_file,
        commands_url=None if settings.commands_url is None else str(settings.commands_url),
    )
    lifecycle = Lifecycle()

    @asynccontextmanager
    async def open_resources() -> AsyncGenerator[Resources]:
        async with open_threads(settings.checkpoint_url.get_secret_value(), lifecycle) as threads:
            graph = build_graph(threads.saver, tools)
            turns = Turns(context, graph, threads, lifecycle, settings.turn_timeout_seconds)
            yield Resources(turns, settings.accepted, threads.ping, lifecycle)
            await turns.finish()

    config = uvicorn.Config(
        create_app(PACKAGE, open_resources),
        host="0.0.0.0",  # noqa: S104  (a container is reached from outside)
        port=settings.port,
        lifespan="on",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # Turns end earlier by their own limit, and then release their threads.
        timeout_graceful_shutdown=settings.drain_timeout_seconds + 3,
    )
    return _Server(config, lifecycle, settings)
