"""The stored state of a thread: enough to resume it, no business data.

Fields must be messages or plain data: the store does not deserialize other classes. They must not use a
DeltaChannel: the earlier checkpoints of a thread are deleted.
"""

import operator
from typing import Annotated

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages

# Before Python 3.12, pydantic cannot build a tool schema from typing.TypedDict.
from typing_extensions import TypedDict


def latest(_: str, new: str) -> str:
    """A reducer: the new value replaces the old one."""
    return new


class State(TypedDict):
    """The state of a thread. Every field needs a reducer: parallel steps write to the same state."""

    messages: Annotated[list[AnyMessage], add_messages]
    message_ids: Annotated[list[str], operator.add]
    """The ids of the callers' messages; the last one belongs to the current or last turn."""
    turns: Annotated[int, operator.add]
    request: Annotated[str, latest]
    """A digest of the last message and of who sent it; empty in threads of earlier versions."""
    asked_by: Annotated[str, latest]
    """The subject who asked for the current or last turn; may be empty."""
    summary: Annotated[str, latest]
    """A summary of the first messages, if the agent keeps one: see condensed() of window.py."""
    summarized: Annotated[str, latest]
    """The id of the last message in the summary; empty without one."""


class Update(TypedDict, total=False):
    """An update of the state by a step; omitted fields do not change."""

    messages: list[AnyMessage]
    summary: str
    summarized: str
