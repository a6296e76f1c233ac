"""The probes."""

from acme_agent_orders.api import Lifecycle

from support import FakeModel, serving


async def _down() -> None:
    raise ConnectionError("the store is down")


def test_is_live_and_ready() -> None:
    with serving(FakeModel()) as client:
        got = {path: client.get(path).status_code for path in ("/livez", "/readyz")}

    assert got == {"/livez": 200, "/readyz": 200}


def test_is_live_but_not_ready_while_draining() -> None:
    with serving(FakeModel(), lifecycle=Lifecycle(draining=True)) as client:
        got = {path: client.get(path).status_code for path in ("/livez", "/readyz")}

    assert got == {"/livez": 200, "/readyz": 503}


def test_is_live_but_not_ready_without_its_store() -> None:
    with serving(FakeModel(), check=_down) as client:
        got = {path: client.get(path).status_code for path in ("/livez", "/readyz")}

    assert got == {"/livez": 200, "/readyz": 503}
