"""Turns, as a caller sees them."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any, NoReturn

import pytest
from langchain_core.tools import tool
from langgraph.prebuilt import ToolRuntime
from langgraph.types import interrupt
from langsmith.utils import get_env_var

from acme_agent_orders.checkpoints import MemoryThreads
from acme_agent_orders.context import Context
from acme_agent_orders.credentials import Accepted
from acme_agent_orders.logs import JsonFormatter
from acme_agent_orders.model import ModelError
from acme_agent_orders.state import State
from acme_agent_orders.toolbox import idempotency_key

from support import FakeModel, asks_for, invoke, says, serving


@tool
async def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"sunny in {city}"


@tool
async def shutdown() -> str:
    """Switch everything off."""
    raise AssertionError("this was not granted")


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


def test_a_failed_turn_goes_on_where_it_stopped() -> None:
    runs: list[str] = []

    @tool
    async def order(item: str) -> str:
        """Order an item."""
        runs.append(item)
        return f"ordered {item}"

    model = FakeModel(
        asks_for(("order", {"item": "tea"})),
        ModelError("the model answered with status 503"),
        says("Your tea is on its way."),
    )
    with serving(model, [order], ["order"]) as client:
        got = [invoke(client, "t", "Tea, please", message_id="m1") for _ in range(2)]

    assert got == [
        (
            502,
            {
                "title": "Bad Gateway",
                "status": 502,
                "detail": "the model answered with status 503",
                "code": "model_failed",
            },
        ),
        (200, {"thread_id": "t", "turn": 1, "reply": "Your tea is on its way.", "tools_used": ["order"]}),
    ]
    assert (runs, model.asked[2]) == (["tea"], ["human: Tea, please", "ai: ", "tool: ordered tea"])


def test_another_message_gives_up_a_failed_turn_and_keeps_what_it_did() -> None:
    @tool
    async def crash() -> str:
        """Fail for a reason that is not the model's."""
        raise RuntimeError

    model = FakeModel(
        asks_for(("weather", {"city": "Rome"})),
        asks_for(("weather", {"city": "Oslo"}), ("crash", {})),
        says("Hello again!"),
        says("Bye!"),
    )
    with serving(model, [weather, crash], ["weather", "crash"]) as client:
        first = invoke(client, "t", "Rome?")[0]
        second = invoke(client, "t", "Never mind")
        third = invoke(client, "t", "Bye")[0]

    assert (first, second, third) == (
        500,
        (200, {"thread_id": "t", "turn": 2, "reply": "Hello again!", "tools_used": ["weather"]}),
        200,
    )
    assert model.asked[2] == [
        "human: Rome?",
        "ai: ",
        "tool: sunny in Rome",
        "ai: ",
        "tool: sunny in Oslo",
        "tool: The turn ended before this call did: it may have had its effect.",
        "human: Never mind",
    ]
    assert model.asked[3][:7] == model.asked[2]


def test_a_question_of_a_tool_is_answered_by_a_message() -> None:
    runs: list[str] = []

    @tool
    async def order(item: str, runtime: ToolRuntime[Any, Any]) -> str:
        """Order an item, once somebody said yes."""
        runs.append(idempotency_key(runtime))
        return f"{item}: {interrupt(f'Really order {item}?')}"

    model = FakeModel(asks_for(("order", {"item": "tea"})), says("On its way."))
    with serving(model, [order], ["order"]) as client:
        asked = [invoke(client, "t", "Tea, please", message_id="m1") for _ in range(2)]
        answered = [invoke(client, "t", "Yes", message_id="m2", answers="m1") for _ in range(2)]

    thread = {"thread_id": "t", "turn": 1}
    assert (asked, answered) == (
        [(200, {**thread, "question": "Really order tea?", "tools_used": []})] * 2,
        [(200, {**thread, "reply": "On its way.", "tools_used": ["order"]})] * 2,
    )
    assert (len(set(runs)), model.asked[1][-1]) == (1, "tool: tea: Yes")


def test_an_answer_is_to_the_question_that_it_names() -> None:
    @tool
    async def order(item: str) -> str:
        """Order an item, once somebody said yes."""
        return f"{item}: {interrupt(f'Really order {item}?')}"

    model = FakeModel(asks_for(("order", {"item": "tea"}), ("order", {"item": "milk"})), says("Done."))
    # The third one is of somebody who answers the first question at the same time.
    sent = [("Tea and milk", ""), ("Yes", "m0"), ("No", "m0"), ("No", "m1"), ("No", "m3")]
    with serving(model, [order], ["order"]) as client:
        got = [
            invoke(client, "t", text, message_id=f"m{n}", **({"answers": answers} if answers else {}))[1]
            for n, (text, answers) in enumerate(sent)
        ]

    said = [each.get("question") or each.get("reply") or each["detail"] for each in got]
    closed = "the thread does not wait for an answer to this question"
    assert said == ["Really order tea?", "Really order milk?", closed, "Done.", closed]
    assert model.asked[1][-2:] == ["tool: tea: Yes", "tool: milk: No"]


def test_a_message_that_answers_no_question_gives_the_turn_up() -> None:
    @tool
    async def order(item: str) -> str:
        """Order an item, once somebody said yes."""
        return f"{item}: {interrupt(f'Really order {item}?')}"

    model = FakeModel(asks_for(("order", {"item": "tea"})), says("Hello again!"))
    with serving(model, [order], ["order"]) as client:
        invoke(client, "t", "Tea, please")
        got = invoke(client, "t", "Never mind")

    assert got == (200, {"thread_id": "t", "turn": 2, "reply": "Hello again!", "tools_used": []})
    assert model.asked[1][-2:] == [
        "tool: The turn ended before this call did: it may have had its effect.",
        "human: Never mind",
    ]


def test_a_question_beside_a_failure_is_not_answered_by_another_message() -> None:
    answers: list[str] = []

    @tool
    async def order(item: str) -> str:
        """Order an item, once somebody said yes."""
        answers.append(interrupt(f"Really order {item}?"))
        return f"ordered {item}"

    @tool
    async def crash() -> str:
        """Fail for a reason that is not the model's."""
        raise RuntimeError

    model = FakeModel(asks_for(("order", {"item": "tea"}), ("crash", {})), says("Hello again!"))
    with serving(model, [order, crash], ["order", "crash"]) as client:
        failed = invoke(client, "t", "Tea, please")[0]
        got = invoke(client, "t", "Never mind")

    assert (failed, got, answers) == (
        500,
        (200, {"thread_id": "t", "turn": 2, "reply": "Hello again!", "tools_used": []}),
        [],
    )


def test_the_caller_of_a_message_reaches_its_model_and_its_tools(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("ours\n")
    seen: list[dict[str, str]] = []

    @tool
    async def whoami(runtime: ToolRuntime[Context, State]) -> str:
        """Tell for whom this runs."""
        seen.append(runtime.context.headers())
        return "told"

    model = FakeModel(asks_for(("whoami", {})), says("one"), asks_for(("whoami", {})), says("two"))
    traces = [f"00-{digit * 32}-{digit * 16}-01" for digit in "12"]
    with serving(model, [whoami], ["whoami"], service_token_file=token) as client:
        for n, trace in enumerate(traces):
            body = {"thread_id": "t", "message_id": f"m{n}", "message": "Hi"}
            response = client.post(
                "/invoke", json=body, headers={"subject-id": f"ann{n}", "traceparent": trace}
            )
            assert response.status_code == 200, response.text

    asked = [
        {"tenant-id": "t", "subject-id": f"ann{n}", "traceparent": trace} for n, trace in enumerate(traces)
    ]
    assert seen == [{**each, "authorization": "Bearer ours"} for each in asked]
    assert [each.headers for each in model.callers[::2]] == asked


def test_a_repeated_message_is_answered_once() -> None:
    model = FakeModel(says("Hello!"))
    with serving(model) as client:
        got = [invoke(client, "t", "Hi", message_id="m1") for _ in range(2)]

    assert got == [(200, {"thread_id": "t", "turn": 1, "reply": "Hello!", "tools_used": []})] * 2
    assert model.asked == [["human: Hi"]]


def test_refuses_to_repeat_a_message_that_others_came_after() -> None:
    model = FakeModel(says("Hello!"), says("Bye!"))
    with serving(model) as client:
        *_, (status, problem) = [invoke(client, "t", text, message_id=text) for text in ("Hi", "Bye", "Hi")]

    assert (status, problem["code"], problem["detail"]) == (
        409,
        "repeated_message",
        "the message was sent before, and others came after it",
    )


def test_a_turn_that_finds_no_end_is_stopped() -> None:
    model = FakeModel(*[asks_for(("weather", {"city": "Rome"})) for _ in range(100)])
    with serving(model, [weather], ["weather"]) as client:
        status, problem = invoke(client, "t", "Hi", message_id="m1")
        again = invoke(client, "t", "Hi", message_id="m1")

    assert (status, problem["code"], problem["detail"]) == (
        422,
        "answer_limit",
        "no reply after 12 answers of the model",
    )
    # Sending it again does not begin anew.
    assert (again, len(model.asked)) == ((422, problem), 12)


def test_a_turn_that_takes_too_long_is_stopped() -> None:
    @tool
    async def wait() -> str:
        """Wait for nothing."""
        await asyncio.Event().wait()
        raise AssertionError("nothing happened")

    model = FakeModel(asks_for(("wait", {})), says("Hello again!"))
    with serving(model, [wait], ["wait"], timeout_seconds=0.5) as client:
        status, problem = invoke(client, "t", "Hi")
        again = invoke(client, "t", "Hi again")

    assert (status, problem["code"], problem["detail"]) == (504, "out_of_time", "no reply after 0.5 seconds")
    assert again == (200, {"thread_id": "t", "turn": 2, "reply": "Hello again!", "tools_used": []})


def test_runs_one_turn_at_a_time_in_a_thread() -> None:
    at_once: list[tuple[int, str, bool]] = []

    @tool
    async def meanwhile() -> str:
        """Let the caller send more while this turn is under way."""
        body = {"thread_id": "t", "message_id": "m2", "message": "Hi"}
        busy = await asyncio.to_thread(client.post, "/invoke", json=body)
        retry_after = int(busy.headers["retry-after"])
        at_once.append((busy.status_code, busy.json()["code"], 60 < retry_after <= 90))
        status, other = await asyncio.to_thread(invoke, client, "t/other", "Hi")
        at_once.append((status, other["reply"], False))
        return "sent"

    model = FakeModel(asks_for(("meanwhile", {})), says("other"), says("first"))
    with serving(model, [meanwhile], ["meanwhile"]) as client:
        got = invoke(client, "t", "Hi")

    assert got == (200, {"thread_id": "t", "turn": 1, "reply": "first", "tools_used": ["meanwhile"]})
    assert at_once == [(409, "thread_busy", True), (200, "other", False)]


def test_conversations_are_not_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    # Its type hides that it remembers what it read.
    get_env_var.cache_clear()  # pyright: ignore[reportFunctionMemberAccess]
    model = FakeModel(says("Hello!"))
    with serving(model) as client:
        got = invoke(client, "t", "Hi")

    assert (got, model.traced) == (
        (200, {"thread_id": "t", "turn": 1, "reply": "Hello!", "tools_used": []}),
        [False],
    )


def test_a_thread_belongs_to_its_tenant() -> None:
    threads = {
        "acme/1": "acme",
        "acme/2": "acm",
        "acme/eu/1": "acme/eu",
        "acme%2Feu/1": "acme/eu",
        "a%25/1": "a%",
    }
    model = FakeModel(*[says("Hello!")] * 3)
    with serving(model) as client:
        got = {
            thread: client.post(
                "/invoke",
                json={"thread_id": thread, "message_id": "m1", "message": "Hi"},
                headers={"tenant-id": tenant},
            ).status_code
            == 403
            for thread, tenant in threads.items()
        }

    assert got == {"acme/1": False, "acme/2": True, "acme/eu/1": True, "acme%2Feu/1": False, "a%25/1": False}


def test_a_request_has_one_tenant() -> None:
    body = {"thread_id": "acme/desk/1", "message_id": "m1", "message": "Hi"}
    with serving(FakeModel()) as client:
        got = [
            client.post("/invoke", json=body, headers=[("tenant-id", each) for each in values])
            for values in ([""], ["acme", "acme"])
        ]

    once = "the header tenant-id must be given once, as 1 to 200 visible characters"
    assert [(each.status_code, each.json()["detail"]) for each in got] == [(400, once)] * 2


def test_refuses_a_subject_that_no_header_may_have() -> None:
    body = {"thread_id": "t", "message_id": "m1", "message": "Hi"}
    with serving(FakeModel()) as client:
        response = client.post("/invoke", json=body, headers={b"subject-id": b"J\xfcrgen"})

    assert (response.status_code, response.json()["detail"]) == (
        400,
        "the header subject-id must have 1 to 200 visible characters",
    )


def test_the_log_says_for_whom_a_message_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    caplog.handler.setFormatter(JsonFormatter())
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    body = {"thread_id": "another/1", "message_id": "m1", "message": "Hi"}
    with serving(FakeModel()) as client:
        headers = {"subject-id": "ann", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        client.post("/invoke", json=body, headers=headers)

    record = next(json.loads(line) for line in caplog.text.splitlines() if '"message": "request"' in line)
    names = ("trace_id", "tenant", "subject", "thread_id", "message_id", "status")
    assert [record.get(name) for name in names] == [trace, "t", "ann", "another/1", "m1", 403]


def test_lets_in_who_has_a_token(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("first\nsecond\n")
    headers = {"none": "", "another": "Bearer third", "no scheme": "first", "one": "Bearer first"}
    with serving(FakeModel(), accepted=Accepted(tokens)) as client:
        got = {
            name: client.post("/invoke", json={}, headers={"authorization": value}).status_code
            for name, value in headers.items()
        }
        tokens.write_text("third\n")
        got["another, once it is known"] = client.post(
            "/invoke", json={}, headers={"authorization": "Bearer third"}
        ).status_code
        got["a probe"] = client.get("/livez").status_code

    assert got == {
        "none": 401,
        "another": 401,
        "no scheme": 401,
        "one": 422,
        "another, once it is known": 422,
        "a probe": 200,
    }


def test_refuses_invalid_requests() -> None:
    valid = {"thread_id": "t", "message_id": "m1", "message": "Hi"}
    requests = {
        "no thread": {"message_id": "m1", "message": "Hi"},
        "a thread that is a path upwards": {**valid, "thread_id": "t/../t"},
        "no message": {"thread_id": "t", "message_id": "m1"},
        "an empty message": {**valid, "message": ""},
        "a message without an id": {"thread_id": "t", "message": "Hi"},
        "a field that does not exist": {**valid, "model": "another"},
    }
    with serving(FakeModel()) as client:
        responses = {name: client.post("/invoke", json=body) for name, body in requests.items()}

    got = {name: (each.status_code, each.json()["detail"].split("'")[0]) for name, each in responses.items()}
    assert got == {
        "no thread": (422, "body.thread_id: Field required"),
        "a thread that is a path upwards": (422, "body.thread_id: String should match pattern "),
        "no message": (422, "body.message: Field required"),
        "an empty message": (422, "body.message: String should have at least 1 character"),
        "a message without an id": (422, "body.message_id: Field required"),
        "a field that does not exist": (422, "body.model: Extra inputs are not permitted"),
    }


def test_refuses_what_is_no_request(caplog: pytest.LogCaptureFixture) -> None:
    bodies = {
        "no JSON": b"{",
        "no text": b'{"thread_id": "\xff"}',
        "too deep": b"[" * 100_000,
        "too big, and says so": b" " * 300_000,
    }
    with serving(FakeModel()) as client:
        json = {"content-type": "application/json"}
        got = {name: client.post("/invoke", content=body, headers=json) for name, body in bodies.items()}
        chunks = client.post("/invoke", content=iter([b" " * 1000] * 300), headers=json)

    assert {name: each.status_code for name, each in got.items()} == {
        "no JSON": 422,
        "no text": 400,
        "too deep": 400,
        "too big, and says so": 413,
    }
    assert (chunks.status_code, [each for each in caplog.records if each.exc_info]) == (413, [])


def test_tells_every_problem_in_the_same_way() -> None:
    with serving(FakeModel()) as client:
        responses = [client.get("/nowhere"), client.get("/invoke"), client.post("/invoke", json={})]

    got = [(each.headers["content-type"], each.json()["status"], each.json()["code"]) for each in responses]
    problem = "application/problem+json"
    assert got == [
        (problem, 404, "not_found"),
        (problem, 405, "method_not_allowed"),
        (problem, 422, "invalid_request"),
    ]


def test_a_bug_is_told_to_the_log_and_not_to_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MemoryThreads):
        def claim(self, thread_id: str, seconds: float) -> NoReturn:
            raise ZeroDivisionError("secret detail")

    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with serving(FakeModel(), threads=Broken()) as client:
        headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
        body = {"thread_id": "t", "message_id": "m1", "message": "Hi"}
        response = client.post("/invoke", json=body, headers=headers)

    assert (response.status_code, response.headers["x-request-id"]) == (500, trace)
    assert response.json() == {
        "title": "Internal Server Error",
        "status": 500,
        "detail": "This is our mistake, not yours.",
        "code": "internal_server_error",
    }
    assert "secret detail" in caplog.text
