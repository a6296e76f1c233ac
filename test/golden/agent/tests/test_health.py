"""The probes."""

from acme_agent_orders.checkpoints import MemoryThreads
from acme_agent_orders.lifecycle import Lifecycle

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


def test_is_live_but_not_ready_without_its_store() -> None:
    with serving(FakeModel(), threads=_Down()) as client:
        got = {path: client.get(path).status_code for path in ("/livez", "/readyz")}

    assert got == {"/livez": 200, "/readyz": 503}
