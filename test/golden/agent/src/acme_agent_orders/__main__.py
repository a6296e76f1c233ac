"""The process: `python -m <package>` serves, `python -m <package> migrate` prepares the store of threads."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from threading import Timer
from types import FrameType

import httpx2
import uvicorn

from .api import Lifecycle, Service, create_app
from .chat_completions import ChatCompletions
from .checkpoints import migrate, open_checkpoints
from .context import Context
from .logs import configure_logging
from .service import Agent
from .settings import ConfigurationError, Settings, read_settings
from .toolbox import Toolbox
from .tools import TOOLS

log = logging.getLogger(__name__)

MODEL_TIMEOUT_SECONDS = 60.0


class _Server(uvicorn.Server):
    """Stops in order: readiness fails; after a delay, the listener closes, turns end, the service closes.

    The delay is for those who still send requests here; a second signal cuts it short.
    """

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, delay_seconds: int) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._delay_seconds = delay_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        delay = 0 if self._lifecycle.draining else self._delay_seconds
        self._lifecycle.draining = True
        log.info("draining", extra={"fields": {"signal": signal.Signals(sig).name}})
        timer = Timer(delay, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()


def main(arguments: Sequence[str]) -> int:
    """Runs a command. Returns the exit code: 0 done, 1 failed, 2 used or configured wrongly."""
    configure_logging()
    try:
        settings = read_settings(os.environ)
        toolbox = Toolbox(TOOLS, settings.tool_grants)
    except (ConfigurationError, ValueError) as error:
        log.error("configuration: %s", error)
        return 2
    match arguments:
        case []:
            return serve(settings, toolbox)
        case ["migrate"]:
            asyncio.run(migrate(settings.checkpoint_url.get_secret_value()))
            return 0
        case _:
            log.error("usage: python -m %s [migrate]", __package__)
            return 2


def serve(settings: Settings, toolbox: Toolbox) -> int:
    """Serves until SIGTERM or SIGINT."""
    lifecycle = Lifecycle()

    @asynccontextmanager
    async def open_service() -> AsyncGenerator[Service]:
        key = settings.model_api_key.get_secret_value()
        async with (
            open_checkpoints(settings.checkpoint_url.get_secret_value()) as checkpoints,
            httpx2.AsyncClient(
                base_url=str(settings.model_url),
                headers={"Authorization": f"Bearer {key}"},
                timeout=MODEL_TIMEOUT_SECONDS,
            ) as http,
        ):
            context = Context(model=ChatCompletions(http, settings.model_name), toolbox=toolbox)
            yield Service(Agent(context, checkpoints.saver), checkpoints.ping, lifecycle)

    config = uvicorn.Config(
        create_app(open_service),
        host="0.0.0.0",
        port=settings.port,
        log_config=None,
        timeout_graceful_shutdown=settings.drain_timeout_seconds,
    )
    server = _Server(config, lifecycle, settings.drain_delay_seconds)
    # uvicorn raises the signal again once it has stopped; ignoring that makes a clean stop exit code 0.
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, signal.SIG_IGN)
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
