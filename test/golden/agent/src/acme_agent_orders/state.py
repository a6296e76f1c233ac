"""What a thread remembers between turns: enough to resume it, and no business record."""

import operator
from collections.abc import Sequence
from typing import Annotated, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages


def union(left: Sequence[str], right: Sequence[str]) -> list[str]:
    """Reducer: the names of both sides, each once and sorted, so that parallel steps may end in any order."""
    return sorted({*left, *right})


class State(TypedDict):
    """The state of a thread. Every field names its reducer: parallel steps write to the same state."""

    messages: Annotated[list[AnyMessage], add_messages]
    tools_used: Annotated[list[str], union]
    turns: Annotated[int, operator.add]


class Update(TypedDict, total=False):
    """What a step adds to the state: fields that it leaves out stay as they are."""

    messages: list[AnyMessage]
    tools_used: list[str]
    turns: int
