"""Turns, as a caller sees them."""

import asyncio

import pytest
from langchain_core.tools import tool

from acme_agent_orders.model import ModelError

from support import FakeModel, asks_for, create_agent, invoke, says, serving


@tool
async def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"sunny in {city}"


@tool
async def shutdown() -> str:
    """Switch everything off."""
    raise AssertionError("nobody granted this")


def test_answers_with_the_reply_of_the_model() -> None:
    model = FakeModel(says("Hello!"))
    with serving(model) as client:
        got = invoke(client, "acme/desk/1", "Hi")

    assert got == (200, {"thread_id": "acme/desk/1", "turn": 1, "reply": "Hello!", "tools_used": []})
    assert model.asked == [["human: Hi"]]


def test_continues_a_thread() -> None:
    model = FakeModel(says("Hello!"), says("You said hi."))
    with serving(model) as client:
        first = invoke(client, "acme/desk/1", "Hi")
        second = invoke(client, "acme/desk/1", "What did I say?")

    assert (first[0], second) == (
        200,
        (200, {"thread_id": "acme/desk/1", "turn": 2, "reply": "You said hi.", "tools_used": []}),
    )
    assert model.asked[1] == ["human: Hi", "ai: Hello!", "human: What did I say?"]


def test_keeps_threads_apart() -> None:
    model = FakeModel(says("one"), says("two"))
    with serving(model) as client:
        got = [invoke(client, "acme/desk/1", "first"), invoke(client, "acme/desk/2", "second")]

    assert got == [
        (200, {"thread_id": "acme/desk/1", "turn": 1, "reply": "one", "tools_used": []}),
        (200, {"thread_id": "acme/desk/2", "turn": 1, "reply": "two", "tools_used": []}),
    ]
    assert model.asked == [["human: first"], ["human: second"]]


def test_runs_the_tools_that_the_model_asks_for() -> None:
    model = FakeModel(
        asks_for(("weather", {"city": "Rome"}), ("weather", {"city": "Oslo"})),
        says("Sunny in both."),
    )
    with serving(model, [weather], ["weather"]) as client:
        got = invoke(client, "t", "Rome and Oslo?")

    assert got == (200, {"thread_id": "t", "turn": 1, "reply": "Sunny in both.", "tools_used": ["weather"]})
    assert model.asked[1] == ["human: Rome and Oslo?", "ai: ", "tool: sunny in Rome", "tool: sunny in Oslo"]


def test_refuses_tools_that_are_not_granted() -> None:
    model = FakeModel(asks_for(("shutdown", {})), says("I may not."))
    with serving(model, [weather, shutdown], ["weather"]) as client:
        got = invoke(client, "t", "Switch everything off")

    assert got == (200, {"thread_id": "t", "turn": 1, "reply": "I may not.", "tools_used": []})
    assert model.asked[1][-1] == "tool: The tool shutdown is not granted."


def test_offers_only_granted_tools() -> None:
    model = FakeModel(says("Hello!"))
    with serving(model, [weather, shutdown], ["weather"]) as client:
        got = invoke(client, "t", "Hi")

    assert (got, model.offered) == (
        (200, {"thread_id": "t", "turn": 1, "reply": "Hello!", "tools_used": []}),
        [["weather"]],
    )


def test_a_failed_turn_leaves_no_trace() -> None:
    model = FakeModel(
        asks_for(("weather", {"city": "Rome"})),
        ModelError("the model answered with status 503"),
        says("Hello again!"),
    )
    with serving(model, [weather], ["weather"]) as client:
        got = [invoke(client, "t", "Hi"), invoke(client, "t", "Hi")]

    assert got == [
        (502, {"code": "model_failed", "message": "the model answered with status 503"}),
        (200, {"thread_id": "t", "turn": 1, "reply": "Hello again!", "tools_used": []}),
    ]
    assert model.asked[2] == ["human: Hi"]


def test_a_turn_that_finds_no_end_is_stopped() -> None:
    model = FakeModel(*[asks_for(("weather", {"city": "Rome"})) for _ in range(100)])
    with serving(model, [weather], ["weather"]) as client:
        got = invoke(client, "t", "Hi")

    assert got == (500, {"code": "step_limit", "message": "no reply after 25 steps"})


def test_runs_one_turn_at_a_time_in_a_thread() -> None:
    agent = create_agent(FakeModel(says("first"), says("other")))

    async def at_once() -> list[str]:
        turns = [agent.invoke("t", "a"), agent.invoke("t", "b"), agent.invoke("other", "c")]
        outcomes = await asyncio.gather(*turns, return_exceptions=True)
        return [repr(each) if isinstance(each, BaseException) else each.reply for each in outcomes]

    busy = "ThreadBusyError('a turn of this thread is under way')"
    assert asyncio.run(at_once()) == ["first", busy, "other"]


def test_conversations_are_not_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    model = FakeModel(says("Hello!"))
    with serving(model) as client:
        got = invoke(client, "t", "Hi")

    assert (got, model.traced) == (
        (200, {"thread_id": "t", "turn": 1, "reply": "Hello!", "tools_used": []}),
        [False],
    )


def test_refuses_invalid_requests() -> None:
    requests = {
        "no thread": {"message": "Hi"},
        "a thread that is a path upwards": {"thread_id": "../t", "message": "Hi"},
        "no message": {"thread_id": "t"},
        "an empty message": {"thread_id": "t", "message": ""},
        "a field that does not exist": {"thread_id": "t", "message": "Hi", "model": "another"},
    }
    with serving(FakeModel()) as client:
        responses = {name: client.post("/invoke", json=body) for name, body in requests.items()}

    got = {name: (each.status_code, each.json()["message"]) for name, each in responses.items()}
    assert got == {
        "no thread": (422, "body.thread_id: Field required"),
        "a thread that is a path upwards": (
            422,
            "body.thread_id: String should match pattern '^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$'",
        ),
        "no message": (422, "body.message: Field required"),
        "an empty message": (422, "body.message: String should have at least 1 character"),
        "a field that does not exist": (422, "body.model: Extra inputs are not permitted"),
    }
