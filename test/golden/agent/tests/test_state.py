"""Reducers: what parallel steps write is merged."""

from typing import get_type_hints

from acme_agent_orders.state import State


def test_every_field_has_a_reducer() -> None:
    hints = get_type_hints(State, include_extras=True)
    reducers = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}

    assert [name for name, found in reducers.items() if not any(map(callable, found))] == []
