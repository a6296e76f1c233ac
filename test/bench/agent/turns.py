"""Takes turns of an agent whose model answers at once, and prints how many per second, at 1, 8 and 32 at once."""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolMessage
from langchain_core.tools import tool

package = sys.argv[1]
caller, checkpoints, lifecycle, turns = (
    import_module(f"{package}.platform.{name}") for name in ("caller", "checkpoints", "lifecycle", "turns")
)
context, graph = (import_module(f"{package}.{name}") for name in ("context", "graph"))


class Quick:
    """Calls a tool once per turn if the message is so, and repeats its result."""

    async def reply(self, messages: Sequence[AnyMessage], *_: Any) -> AIMessage:
        if messages[-1].text == "tool":
            call = {"name": "clock", "args": {}, "id": f"c{len(messages)}", "type": "tool_call"}
            return AIMessage("", tool_calls=[call])
        return AIMessage("The clock says so." if isinstance(messages[-1], ToolMessage) else "Hello!")


@tool
async def clock() -> str:
    """The time."""
    return "now"


async def main() -> None:
    url = os.environ["CHECKPOINT_URL"]
    await checkpoints.migrate(url)
    process = lifecycle.Lifecycle()
    who = caller.Caller("t", "", caller.trace_of("", ""))
    async with checkpoints.open_threads(url, process) as threads:
        make = partial(context.Context, Quick(), 10_000, [clock], None)
        agent = turns.Turns(make, graph.build_graph(threads.saver, [clock]), threads, process, 60)

        async def take(thread: str, n: int, text: str) -> None:
            await agent.take(who, thread, turns.Message(f"m{n}", text))

        if os.environ.get("ONE"):
            await take("t/one", 1, "hello")
            print("first", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            await take("t/one", 2, "hello")
            print("hello", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            await take("t/one", 3, "tool")
            print("tool", flush=True)
            return
        await take("t/warm", 1, "tool")
        seconds = float(os.environ.get("SECONDS", "5"))
        for at_once in (1, 8, 32):
            ends = time.monotonic() + seconds
            taken = 0

            async def talk(thread: str) -> None:
                nonlocal taken
                n = 0
                while time.monotonic() < ends:
                    n += 1
                    await take(thread, n, "hello")
                    taken += 1

            began = time.monotonic()
            await asyncio.gather(*(talk(f"t/{time.time_ns()}/{each}") for each in range(at_once)))
            print(f"{at_once} {taken / (time.monotonic() - began):.1f}", flush=True)


asyncio.run(main())
