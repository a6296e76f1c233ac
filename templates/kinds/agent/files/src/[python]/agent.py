"""The behavior of the agent. Implement it here; everything around it is complete."""

from pathlib import Path
from typing import Final

from langgraph.runtime import Runtime

from .context import Context
from .state import State, Update

PROMPT: Final = Path(__file__).parent.joinpath("prompts/system.md").read_text("utf-8")


async def think(state: State, runtime: Runtime[Context]) -> Update:
    """One step of a turn: request the next message of the thread from the model.

    The model is `runtime.context.model`; pass it `runtime.context.tools` and `runtime.context.caller`. If the
    message has tool calls, the graph runs them and calls this function again with their results; otherwise
    the message is the agent's reply. Return an update and do not modify `state`: a failed step runs again.

    For an answer as data, pass the model a pydantic class as `schema`: the text of the message is its JSON.

    A thread can be longer than the input of the model. Choose what it gets: the newest turns, by `recent()`
    of window.py with `runtime.context.input_tokens`; or those after a summary of the others, by
    `condensed()`, whose update has to be part of the one that is returned.
    """
    raise NotImplementedError("AMEIDE_SCAFFOLD: think() is not implemented")
