"""Reducers: what parallel steps write is merged, and in any order the same."""

from itertools import permutations
from typing import get_type_hints

from acme_agent_orders.state import (
    State,
    union,
)


def test_every_field_has_a_reducer() -> None:
    hints = get_type_hints(State, include_extras=True)
    reducers = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}

    assert [name for name, found in reducers.items() if not any(map(callable, found))] == []


def test_names_are_merged_in_any_order() -> None:
    merged = {tuple(union(union(a, b), c)) for a, b, c in permutations([["b"], ["a", "c"], ["b", "a"]])}

    assert merged == {("a", "b", "c")}
