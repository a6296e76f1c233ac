"""What is recorded of turns, model calls, tool calls and statements, by OpenTelemetry's conventions.

Messages, arguments and results are not recorded, unless CAPTURE is true. Values of statements never are.
"""

import json
import os
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from langchain_core.messages import AIMessage, AnyMessage
from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, StatusCode

CAPTURE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
# As the conventions advise.
SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS: Final = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
# Of what role a message of LangChain is.
ROLES: Final[Mapping[str, str]] = {"human": "user", "ai": "assistant"}

# They do nothing until the process has providers.
_tracer: Final = trace.get_tracer(__name__)
_meter: Final = metrics.get_meter(__name__)
_turns: Final = _meter.create_counter("agent.turns", "{turn}", "Turns that ended, by outcome.")
_durations: Final = _meter.create_histogram(
    "gen_ai.client.operation.duration",
    "s",
    "Duration of model calls.",
    explicit_bucket_boundaries_advisory=SECONDS,
)
_tokens: Final = _meter.create_histogram(
    "gen_ai.client.token.usage",
    "{token}",
    "Tokens of model calls.",
    explicit_bucket_boundaries_advisory=TOKENS,
)


@contextmanager
def turn_span(thread_id: str) -> Generator["Outcome"]:
    """Record a turn, and count it by its outcome or the error that ends it."""
    outcome = Outcome()
    attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.conversation.id": thread_id}
    try:
        with _span("invoke_agent", SpanKind.INTERNAL, attributes):
            yield outcome
    except BaseException as error:
        outcome.name = type(error).__name__
        raise
    finally:
        _turns.add(1, {"outcome": outcome.name})


class Outcome:
    """How a turn ended: `reply`, `question` or the name of an error."""

    name = "reply"


class ModelCall:
    """A call of the model."""

    def __init__(self, span: Span, attributes: dict[str, Any]) -> None:
        self._span = span
        self._attributes = attributes

    def answered(self, answer: AIMessage) -> None:
        """Record the answer: its model, tokens and finish reason."""
        about: dict[str, Any] = answer.response_metadata
        if model := about.get("model_name") or about.get("model"):
            self._attributes["gen_ai.response.model"] = str(model)
            self._span.set_attribute("gen_ai.response.model", str(model))
        if reason := about.get("finish_reason") or about.get("stop_reason"):
            self._span.set_attribute("gen_ai.response.finish_reasons", [str(reason)])
        if usage := answer.usage_metadata:
            for kind, count in (("input", usage["input_tokens"]), ("output", usage["output_tokens"])):
                self._span.set_attribute(f"gen_ai.usage.{kind}_tokens", count)
                _tokens.record(count, {**self._attributes, "gen_ai.token.type": kind})
        _capture(self._span, "gen_ai.output.messages", [answer])


@contextmanager
def model_span(
    provider: str, model: str, server: Mapping[str, str | int], messages: Sequence[AnyMessage]
) -> Generator[ModelCall]:
    """Record a call of a model, and its duration. `server` has the attributes of its address."""
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        **server,
    }
    start = time.perf_counter()
    try:
        with _span(f"chat {model}", SpanKind.CLIENT, attributes) as span:
            _capture(span, "gen_ai.input.messages", messages)
            yield ModelCall(span, attributes)
    except BaseException as error:
        attributes["error.type"] = type(error).__name__
        raise
    finally:
        _durations.record(time.perf_counter() - start, attributes)


@contextmanager
def tool_span(name: str, call_id: str | None) -> Generator[Span]:
    """Record a call of a tool."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.type": "function",
        **({"gen_ai.tool.call.id": call_id} if call_id else {}),
    }
    with _span(f"execute_tool {name}", SpanKind.INTERNAL, attributes) as span:
        yield span


def tool_refused(span: Span) -> None:
    """Record that a tool answered with an error."""
    span.set_attribute("error.type", "tool_error")
    span.set_status(StatusCode.ERROR)


@contextmanager
def sql_span(statement: str) -> Generator[None]:
    """Record a statement, whose values are parameters."""
    words = statement.split(maxsplit=1)
    operation = words[0].upper() if words else "SQL"
    attributes = {
        "db.system.name": "postgresql",
        "db.operation.name": operation,
        "db.query.text": statement.strip(),
    }
    with _span(operation, SpanKind.CLIENT, attributes):
        yield


@contextmanager
def _span(name: str, kind: SpanKind, attributes: Mapping[str, Any]) -> Generator[Span]:
    """A current span. An error is recorded by its type: its text may have parts of a conversation."""
    with _tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            # A question of a tool is raised, too.
            if type(error).__name__ != "GraphInterrupt":
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR)
            raise


def _capture(span: Span, name: str, messages: Sequence[AnyMessage]) -> None:
    if not span.is_recording() or os.environ.get(CAPTURE, "").lower() != "true":
        return
    lines = [
        {"role": ROLES.get(each.type, each.type), "parts": [{"type": "text", "content": each.text}]}
        for each in messages
    ]
    span.set_attribute(name, json.dumps(lines))
