"""The interface of the model. Tests use a fake, and the provider can change without changing tests."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from .caller import Caller


class ModelError(Exception):
    """The model returned no usable answer. The text is safe to show: it has no prompt and no credential."""


class TooLongError(Exception):
    """The input is too long for the model. Sending the message again does not help."""


# Pydantic checks it in the type of a tool's `runtime`.
@runtime_checkable
class Model(Protocol):
    """Answers a conversation with its next message."""

    async def reply(
        self,
        messages: Sequence[AnyMessage],
        tools: Sequence[BaseTool],
        caller: Caller,
        schema: type[BaseModel] | None = None,
    ) -> AIMessage:
        """Return the next message, which may call `tools`. Raises ModelError and TooLongError.

        With a `schema`, the text of the message is JSON that it accepts, no tools are offered, and
        `additional_kwargs["parsed"]` has the data.
        """
        ...
