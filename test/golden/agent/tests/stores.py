"""What every store of threads has to do, whichever adapter it is."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.tools import BaseTool, tool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.prebuilt import ToolRuntime
from langgraph.types import interrupt

from acme_agent_orders.caller import (
    Caller,
    trace_of,
)
from acme_agent_orders.lifecycle import Lifecycle
from acme_agent_orders.state import (
    State,
    Update,
)
from acme_agent_orders.threads import (
    ThreadBusyError,
    Threads,
    ThreadsUnavailableError,
)
from acme_agent_orders.toolbox import idempotency_key
from acme_agent_orders.turns import Turns

from support import asks_for, says


async def write_turn(threads: Threads, thread_id: str, message: str) -> tuple[int, list[str]]:
    """Runs a turn of a graph that only stores, and returns what the thread holds afterwards."""

    async def listen(state: State) -> Update:
        return {"messages": state["messages"]}

    graph = StateGraph(State)
    graph.add_node("listen", listen)
    graph.add_edge(START, "listen")
    state = await graph.compile(checkpointer=threads.saver).ainvoke(
        {"messages": [HumanMessage(message)], "message_ids": [message], "turns": 1},
        {"configurable": {"thread_id": thread_id}},
    )
    return state["turns"], [each.text for each in state["messages"]]


async def run_turn(threads: Threads, thread_id: str, message: str) -> tuple[int, list[str]]:
    """Does so under a claim."""
    async with threads.claim(thread_id, 60):
        return await write_turn(threads, thread_id, message)


async def check_keeping(threads: Threads) -> None:
    """Two turns in one thread, one in another."""
    got = [
        await run_turn(threads, "a", "one"),
        await run_turn(threads, "b", "other\0"),
        await run_turn(threads, "a", "two"),
    ]
    assert got == [(1, ["one"]), (1, ["other\0"]), (2, ["one", "two"])]


async def check_claims(threads: Threads, same_threads: Threads) -> None:
    """A claimed thread is busy for everybody until the claim ends, however its turn ends; others are not."""
    async with threads.claim("a", 60), threads.claim("b", 60):
        for each in (threads, same_threads):
            with pytest.raises(ThreadBusyError) as busy:
                async with each.claim("a", 60):
                    pass
            assert 0 < busy.value.seconds <= 60
    with pytest.raises(ZeroDivisionError):
        async with same_threads.claim("a", 60):
            raise ZeroDivisionError
    async with threads.claim("a", 60):
        pass


@contextmanager
def _failing(saver: BaseCheckpointSaver[str], nth: int, stored: bool) -> Generator[None]:
    """One write of the saver fails, before or after it was stored."""
    writes = count(1)

    def flaky(write: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def wrapped(*args: Any) -> Any:
            fails = next(writes) == nth
            result = None if fails and not stored else await write(*args)
            if fails:
                raise ThreadsUnavailableError("down")
            return result

        return wrapped

    with pytest.MonkeyPatch.context() as patch:
        for name in ("aput", "aput_writes"):
            patch.setattr(saver, name, flaky(getattr(saver, name)))
        yield


class _OrdersTwice:
    """A model that asks for two orders, and then says what came of them."""

    async def reply(
        self, messages: Sequence[AnyMessage], tools: Sequence[BaseTool], caller: Caller
    ) -> AIMessage:
        said = max(at for at, each in enumerate(messages) if isinstance(each, HumanMessage))
        answers = [each.text for each in messages[said:] if each.type == "tool"]
        if answers or messages[said].text != "Order":
            return says("; ".join(each.text for each in messages if each.type == "tool"))
        return asks_for(("order", {"item": "tea"}), ("order", {"item": "milk"}))


async def failed_writes(threads: Threads) -> list[str]:
    """Each write of a turn fails in turn, before or after it is stored; what went wrong by that."""
    wrong: list[str] = []
    keys: set[str] = set()

    @tool
    async def order(item: str, runtime: ToolRuntime[Any, Any]) -> str:
        """Order an item."""
        keys.add(idempotency_key(runtime))
        return f"ordered {item}"

    turns = Turns(_OrdersTwice(), [order], None, threads, Lifecycle(), 60)
    caller = Caller("t", "", trace_of("", ""))

    async def send(thread: str, message_id: str, text: str) -> str:
        try:
            return (await turns.take(caller, thread, message_id, text)).reply or "no reply"
        except (NotImplementedError, ThreadsUnavailableError) as error:
            return str(error)

    ordered = "ordered tea; ordered milk"
    for stored in (False, True):
        for nth in count(1):
            keys.clear()
            again, another = f"t/again/{stored}/{nth}", f"t/another/{stored}/{nth}"
            with _failing(threads.saver, nth, stored):
                failed = await send(again, "m1", "Order")
            got = await send(again, "m1", "Order") if failed == "down" else failed
            for reply in (got, await send(again, "m2", "And?")):
                if reply != ordered:
                    wrong.append(f"write {nth}, stored {stored}: {reply}")
            if len(keys) > 2:
                wrong.append(f"write {nth}, stored {stored}: {sorted(keys)}")

            keys.clear()
            with _failing(threads.saver, nth, stored):
                await send(another, "m1", "Order")
            # The model is told of every call that ran, though perhaps not what came of it.
            told = await send(another, "m2", "And?")
            if keys and len(told.split("; ")) < len(keys):
                wrong.append(f"write {nth}, stored {stored}: {len(keys)} calls ran, told: {told}")
            if failed != "down":
                break
    return wrong


async def failed_answers(threads: Threads) -> list[str]:
    """Each write of a turn that asks fails in turn; what got another answer than the last to its question."""
    wrong: list[str] = []

    @tool
    async def order(item: str) -> str:
        """Order an item, once somebody answered twice."""
        return f"ordered {item}: {interrupt(f'{item} 1?')}, {interrupt(f'{item} 2?')}"

    turns = Turns(_OrdersTwice(), [order], None, threads, Lifecycle(), 60)
    caller = Caller("t", "", trace_of("", ""))

    async def talk(thread: str) -> tuple[bool, str | None, dict[str, str]]:
        """Answers all questions, and sends again what failed: whether any did, the reply, the answers."""
        failed = False
        answers: dict[str, str] = {}
        message_id, text, question = "m0", "Order", None
        for n in count(1):
            try:
                turn = await turns.take(caller, thread, message_id, text, question)
            except NotImplementedError as error:
                return failed, str(error), answers
            except ThreadsUnavailableError:
                failed = True
                continue
            if turn.question is None:
                return failed, turn.reply, answers
            question, message_id, text = message_id, f"m{n}", f"answer {n}"
            answers[turn.question] = text
        raise AssertionError

    for stored in (False, True):
        for nth in count(1):
            with _failing(threads.saver, nth, stored):
                failed, reply, given = await talk(f"t/{stored}/{nth}")
            ordered = [
                f"ordered {it}: {given.get(f'{it} 1?')}, {given.get(f'{it} 2?')}" for it in ("tea", "milk")
            ]
            if reply != "; ".join(ordered):
                wrong.append(f"write {nth}, stored {stored}: {reply}, after {given}")
            if not failed:
                break
    return wrong
