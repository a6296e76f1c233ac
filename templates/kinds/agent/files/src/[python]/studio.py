"""The graph for `langgraph dev` and Studio, which store threads themselves. It has the settings of serve."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import os
from typing import Final

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from .chat_model import open_model
from .context import Context
from .graph import build_graph
from .platform.caller import Caller, trace_of
from .platform.settings import read_settings
from .platform.toolbox import grant
from .settings import Settings
from .state import State, Update
from .tools import TOOLS

TENANT: Final = "studio"


def graph() -> CompiledStateGraph[State, None, State, State]:
    """Build the graph. Raises ConfigurationError and ToolsError."""
    settings = read_settings(Settings, os.environ)
    tools = grant(TOOLS, settings.tool_grants)
    caller = Caller(TENANT, "", trace_of("", ""))
    model = open_model(settings)
    context = Context(model, settings.model_input_tokens, tools, settings.service_token_file, caller)
    turn = build_graph(None, tools)

    async def take(state: State) -> Update:
        ended = await turn.ainvoke(state, context=context)
        return {"messages": ended["messages"]}

    studio = StateGraph(State)
    studio.add_node("turn", take)
    studio.add_edge(START, "turn")
    return studio.compile()
