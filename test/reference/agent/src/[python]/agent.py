"""The behavior of the agent. Implement it here; everything around it is complete."""

from pathlib import Path
from typing import Final

from langchain_core.messages import SystemMessage
from langgraph.runtime import Runtime

from .context import Context
from .state import State, Update
from .window import recent

PROMPT: Final = Path(__file__).parent.joinpath("prompts/system.md").read_text("utf-8")


async def think(state: State, runtime: Runtime[Context]) -> Update:
    """One step of a turn: request the next message of the thread from the model."""
    context = runtime.context
    messages = [SystemMessage(PROMPT), *recent(state["messages"], context.input_tokens)]
    return {"messages": [await context.model.reply(messages, context.tools, context.caller)]}
