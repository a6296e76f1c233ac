"""What a thread remembers between turns: enough to resume it, and no business record.

Fields hold messages and plain data: the store reads no other classes back.
"""

import operator
from typing import Annotated

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages

# Before Python 3.12 the schema of a tool cannot be made of the one in typing.
from typing_extensions import TypedDict


class State(TypedDict):
    """The state of a thread. Every field names its reducer: parallel steps write to the same state."""

    messages: Annotated[list[AnyMessage], add_messages]
    message_ids: Annotated[list[str], operator.add]
    """Of the callers' messages; the last one is of the turn under way, or else of the last turn."""
    turns: Annotated[int, operator.add]


class Update(TypedDict, total=False):
    """What a step adds to the state: fields that it leaves out stay as they are."""

    messages: list[AnyMessage]
