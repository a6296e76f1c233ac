"""What a thread remembers between turns: enough to resume it, and no business record.

Fields hold messages and plain data: the store reads no other classes back.
"""

import operator
from collections.abc import Sequence
from typing import Annotated, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages


def union(left: Sequence[str], right: Sequence[str]) -> list[str]:
    """Reducer: the names of both sides, each once and sorted, so that parallel steps may end in any order."""
    return sorted({*left, *right})


def latest(_: str, right: str) -> str:
    """Reducer: what was written last."""
    return right


class State(TypedDict):
    """The state of a thread. Every field names its reducer: parallel steps write to the same state."""

    messages: Annotated[list[AnyMessage], add_messages]
    message_id: Annotated[str, latest]
    """Of the message that the turn under way, or else the last one, answers."""
    tools_used: Annotated[list[str], union]
    turns: Annotated[int, operator.add]


class Update(TypedDict, total=False):
    """What a step adds to the state: fields that it leaves out stay as they are."""

    messages: list[AnyMessage]
    tools_used: list[str]
    turns: int
