"""The process itself: what it needs to start, and how it stops."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import httpx2
import pytest
import uvicorn

import acme_agent_orders as package
from acme_agent_orders.process import create_server
from acme_agent_orders.settings import (
    Settings,
    read_settings,
)

COMMAND = [sys.executable, "-m", package.__name__]


def _environment(**variables: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **variables}


def _configured(model_url: str, **variables: str) -> tuple[str, dict[str, str]]:
    """A base URL, and the environment of a process that serves there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = _environment(
        PORT=port,
        ACCEPT_CALLERS="anyone",
        CHECKPOINT_URL="memory:",
        MODEL_URL=model_url,
        MODEL_NAME="small",
        MODEL_API_KEY="key",
        **variables,
    )
    return f"http://127.0.0.1:{port}", environment


@contextmanager
def _serving(model_url: str, timeout_seconds: int = 30) -> Generator[tuple[str, uvicorn.Server, Thread]]:
    """The server of the process in a thread, which starts in no time, once it is ready."""
    url, environment = _configured(model_url, DRAIN_TIMEOUT_SECONDS=str(timeout_seconds))
    server = create_server(read_settings(Settings, environment))
    thread = Thread(target=server.run)
    thread.start()
    try:
        _wait_until(200, url, thread.is_alive)
        yield url, server, thread
    finally:
        server.should_exit = True
        thread.join()


def _wait_until(readiness: int | None, url: str, runs: Callable[[], bool]) -> None:
    """Waits for a status of the readiness probe; None where nothing listens."""
    deadline = time.monotonic() + 300
    got: int | None = None
    while time.monotonic() < deadline and runs():
        try:
            got = httpx2.get(f"{url}/readyz").status_code
        except httpx2.TransportError:
            got = None
        if got == readiness:
            return
        time.sleep(0.05)
    raise AssertionError(f"readiness is {got}, not {readiness}")


def _invoke(url: str, timeout_seconds: float = 300) -> httpx2.Response:
    body = {"thread_id": "t", "message_id": "m1", "message": "Hi"}
    headers = {"tenant-id": "t"}
    return httpx2.post(f"{url}/invoke", json=body, headers=headers, timeout=timeout_seconds)


class _SlowModel:
    """A model server that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = Event()
        self.times_asked = 0
        self.answer = Event()

    def wait_for(self, turn: Future[httpx2.Response]) -> None:
        """Waits until the turn asks, or ends without having asked."""
        while not (self.asked.is_set() or turn.done()):
            time.sleep(0.05)

    @contextmanager
    def serving(self) -> Generator[str]:
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                model.times_asked += 1
                model.asked.set()
                model.answer.wait(timeout=300)
                body = b'{"choices": [{"message": {"role": "assistant", "content": "Hello!"}}]}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it so)
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/v1/"
            server.shutdown()


def test_starts_serves_on_for_those_who_did_not_hear_yet_and_stops() -> None:
    url, environment = _configured("http://127.0.0.1:1/v1/", DRAIN_DELAY_SECONDS="300")
    with subprocess.Popen(COMMAND, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            _wait_until(200, url, lambda: process.poll() is None)
            process.send_signal(signal.SIGTERM)
            _wait_until(503, url, lambda: process.poll() is None)
            alive = httpx2.get(f"{url}/livez").status_code
            # A second signal cuts the delay short.
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=200)
        finally:
            process.kill()

    messages = [json.loads(line)["message"] for line in output.splitlines()]
    order = [each for each in messages if each in ("open", "draining", "closed")]
    assert (process.returncode, alive, order) == (0, 200, ["open", "draining", "closed"])


def test_ends_by_a_signal_that_comes_while_it_is_imported() -> None:
    command = [sys.executable, "-X", "importtime", *COMMAND[1:]]
    with subprocess.Popen(command, env=_environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        # The first of many that it imports.
        while not process.stderr.readline().rstrip().endswith(" asyncio"):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=300)

    assert process.returncode == 128 + signal.SIGTERM


def test_ends_turns_in_flight_before_it_stops() -> None:
    model = _SlowModel()
    with (
        model.serving() as model_url,
        _serving(model_url) as (url, server, thread),
        ThreadPoolExecutor() as pool,
    ):
        turn = pool.submit(_invoke, url)
        model.wait_for(turn)
        server.handle_exit(signal.SIGTERM, None)
        if not turn.done():
            _wait_until(None, url, thread.is_alive)
        model.answer.set()
        response = turn.result()

    assert (response.status_code, response.json()) == (
        200,
        {"thread_id": "t", "turn": 1, "reply": "Hello!", "tools_used": []},
    )


def test_breaks_off_turns_that_would_hold_it_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    model = _SlowModel()
    with (
        model.serving() as model_url,
        _serving(model_url, timeout_seconds=1) as (url, server, thread),
        ThreadPoolExecutor() as pool,
    ):
        turn = pool.submit(_invoke, url)
        model.wait_for(turn)
        server.handle_exit(signal.SIGTERM, None)
        thread.join()
        model.answer.set()
        response = turn.result()

    assert (response.status_code, response.json()["detail"]) == (504, "the process is stopping")
    order = [each for each in caplog.messages if each in ("turn failed", "request", "closed")]
    assert order == ["turn failed", "request", "closed"]


def test_keeps_the_reply_for_a_caller_that_hung_up() -> None:
    model = _SlowModel()
    with model.serving() as model_url, _serving(model_url) as (url, _, _):
        with suppress(httpx2.ReadTimeout):
            _invoke(url, timeout_seconds=1)
        model.answer.set()
        while (response := _invoke(url)).status_code == 409:
            time.sleep(0.05)

    assert (response.json(), model.times_asked) == (
        {"thread_id": "t", "turn": 1, "reply": "Hello!", "tools_used": []},
        1,
    )


def test_says_which_variables_are_missing() -> None:
    ended = subprocess.run(
        COMMAND, env=_environment(PORT="8080"), capture_output=True, text=True, timeout=300
    )

    record = json.loads(ended.stdout)
    assert (ended.returncode, record["level"], record["message"]) == (
        2,
        "error",
        "configuration: ACCEPT_CALLERS: is required but not set; CHECKPOINT_URL: is required but not set; "
        "MODEL_API_KEY: is required but not set; MODEL_NAME: is required but not set; "
        "MODEL_URL: is required but not set",
    )


def test_imports_without_network() -> None:
    script = """
import importlib, pkgutil, sys

def forbid(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        print(event, arguments)

sys.addaudithook(forbid)
package = importlib.import_module(sys.argv[1])
for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""
    environment = _environment(LANGSMITH_TRACING="true", LANGSMITH_API_KEY="key")
    command = [sys.executable, "-c", script, package.__name__]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
