"""How this agent behaves. Yours to write; everything around it is wired already."""

from pathlib import Path
from typing import Final

from langgraph.runtime import Runtime

from .context import Context
from .state import State, Update

PROMPT: Final = Path(__file__).parent.joinpath("prompts/system.md").read_text("utf-8")


async def think(state: State, runtime: Runtime[Context]) -> Update:
    """One step of a turn: asks the model for the next message of the thread.

    The model is `runtime.context.model`, `runtime.context.tools` is what to offer it, and
    `runtime.context.caller` for whom it works. When the message asks for tools, the graph runs them and comes
    back here with their results; when it asks for none, it is the agent's reply. Return an update and leave
    `state` as it is: a step that failed can run again.
    """
    raise NotImplementedError("AMEIDE_SCAFFOLD: think() does not ask the model yet")
