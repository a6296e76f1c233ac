"""The model, as this agent needs it: a port, so that tests need no model and a change of provider no test."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.tools import BaseTool

from .caller import Caller


class ModelError(Exception):
    """The model gave no usable answer. The text is safe to show: it holds neither prompt nor credential."""


# Checked where pydantic reads the type of a tool's `runtime`.
@runtime_checkable
class Model(Protocol):
    """Answers a conversation with its next message."""

    async def reply(
        self, messages: Sequence[AnyMessage], tools: Sequence[BaseTool], caller: Caller
    ) -> AIMessage:
        """The next message, which may ask for some of `tools`. Raises ModelError."""
        ...
