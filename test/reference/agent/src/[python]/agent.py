"""How this agent behaves. Yours to write; everything around it is wired already."""

from pathlib import Path
from typing import Final

from langchain_core.messages import SystemMessage
from langgraph.runtime import Runtime

from .context import Context
from .state import State, Update

PROMPT: Final = Path(__file__).parent.joinpath("prompts/system.md").read_text("utf-8")


async def think(state: State, runtime: Runtime[Context]) -> Update:
    """One step of a turn: asks the model for the next message of the thread."""
    messages = [SystemMessage(PROMPT), *state["messages"]]
    context = runtime.context
    return {"messages": [await context.model.reply(messages, context.tools, context.caller)]}
