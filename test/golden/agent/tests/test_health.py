"""The probes, and what is left to requests once the process stops."""

import asyncio

import pytest

from acme_agent_orders.checkpoints import MemoryThreads
from acme_agent_orders.lifecycle import (
    Lifecycle,
    OutOfTimeError,
)

from support import FakeModel, serving


class _Down(MemoryThreads):
    async def ping(self) -> None:
        raise ConnectionError("the store is down")


def test_is_live_and_ready() -> None:
    with serving(FakeModel()) as client:
        got = {path: client.get(path).status_code for path in ("/livez", "/readyz")}

    assert got == {"/livez": 200, "/readyz": 200}


def test_is_live_but_not_ready_while_draining() -> None:
    lifecycle = Lifecycle()
    lifecycle.draining = True
    with serving(FakeModel(), lifecycle=lifecycle) as client:
        got = {path: client.get(path).status_code for path in ("/livez", "/readyz")}

    assert got == {"/livez": 200, "/readyz": 503}


def test_what_begins_while_stopping_gets_no_more_time() -> None:
    async def run() -> None:
        lifecycle = Lifecycle()
        lifecycle.end_within(0)
        async with lifecycle.limit(3600):
            await asyncio.Event().wait()

    with pytest.raises(OutOfTimeError):
        asyncio.run(asyncio.wait_for(run(), 120))


def test_is_live_but_not_ready_without_its_store() -> None:
    with serving(FakeModel(), threads=_Down()) as client:
        got = {path: client.get(path).status_code for path in ("/livez", "/readyz")}

    assert got == {"/livez": 200, "/readyz": 503}
