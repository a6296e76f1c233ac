"""Model adapter for LangChain chat models: `init_chat_model` finds the package of the provider."""

# LangChain leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Mapping, Sequence
from typing import Any, Final

from langchain.chat_models import init_chat_model
from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from .platform.caller import Caller
from .platform.model import ModelError, TooLongError
from .platform.spans import model_span
from .settings import Settings

# To change the provider, add its package to pyproject.toml and set its name here.
PROVIDER: Final = "openai"
PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    # Some model names would select another API, with other finish reasons.
    "openai": {"use_responses_api": False}
}
RETRIES: Final = 2
CALLS_AT_ONCE: Final = 32
# The code of servers of the chat completions API.
TOO_LONG: Final = "context_length_exceeded"
# Finish reasons of incomplete answers.
BROKEN_OFF: Final = frozenset({"length", "max_tokens", "content_filter", "refusal"})


def open_model(settings: Settings) -> "ChatModel":
    """Create the model of the settings. Opens no connection."""
    model: BaseChatModel = init_chat_model(
        settings.model_name,
        model_provider=PROVIDER,
        base_url=str(settings.model_url),
        api_key=settings.model_api_key,
        # For one attempt; the turn limits all attempts together.
        timeout=settings.model_timeout_seconds,
        max_retries=RETRIES,
        **PARAMETERS.get(PROVIDER, {}),
    )
    server: dict[str, str | int] = {"server.address": settings.model_url.host or ""}
    if settings.model_url.port is not None:
        server["server.port"] = settings.model_url.port
    return ChatModel(model, settings.model_name, server, settings.send_caller_to_model)


class ChatModel:
    """Implements Model."""

    def __init__(
        self, model: BaseChatModel, name: str, server: Mapping[str, str | int], sends_caller: bool
    ) -> None:
        self._model = model
        self._name = name
        self._server = server
        self._sends_caller = sends_caller

    async def reply(
        self,
        messages: Sequence[AnyMessage],
        tools: Sequence[BaseTool],
        caller: Caller,
        schema: type[BaseModel] | None = None,
    ) -> AIMessage:
        """See Model.reply. Sends the trace to the server, and tenant and subject if the settings say so."""
        asked = self._model.bind_tools(tools) if tools else self._model
        if schema is not None:
            # By a tool call, which more servers know than other methods.
            asked = self._model.with_structured_output(schema, method="function_calling", include_raw=True)
        with model_span(PROVIDER, self._name, self._server, messages) as call:
            # Within the span, which they name.
            headers = caller.headers if self._sends_caller else caller.trace.headers
            answer = await self._ask(asked, messages, headers)
            raw = answer["raw"] if isinstance(answer, dict) else answer
            if isinstance(raw, AIMessage):
                call.answered(raw)
        if isinstance(answer, AIMessage):
            return _usable(answer)
        parsed = answer["parsed"]
        if schema is None or not isinstance(parsed, schema):
            raise ModelError("model answer does not match the schema")
        data = parsed.model_dump(mode="json")
        return AIMessage(parsed.model_dump_json(), additional_kwargs={"parsed": data})

    async def _ask(
        self, asked: Runnable[Any, Any], messages: Sequence[AnyMessage], headers: Mapping[str, str]
    ) -> Any:
        try:
            return await asked.ainvoke(list(messages), extra_headers=headers)
        except Exception as error:
            # Providers raise arbitrary exceptions, whose texts may contain the conversation.
            if isinstance(error, ContextOverflowError) or getattr(error, "code", "") == TOO_LONG:
                raise TooLongError("the conversation is too long for the model") from error
            status = getattr(error, "status_code", None)
            what = f"returned status {status}" if status else f"request failed: {type(error).__name__}"
            raise ModelError(f"model {what}") from error


def _usable(answer: AIMessage) -> AIMessage:
    """Return the answer with unique tool call ids and without a message id. Raises ModelError."""
    about: dict[str, Any] = answer.response_metadata
    reason = about.get("finish_reason") or about.get("stop_reason")
    if reason in BROKEN_OFF or answer.additional_kwargs.get("refusal"):
        raise ModelError(f"model answer is incomplete: {reason if reason in BROKEN_OFF else 'refusal'}")
    if answer.invalid_tool_calls:
        raise ModelError("model answer has a tool call whose arguments are not JSON")
    if not (answer.text or answer.tool_calls):
        raise ModelError("model answer is empty")
    if len(answer.tool_calls) > CALLS_AT_ONCE:
        raise ModelError(f"model answer has {len(answer.tool_calls)} tool calls, more than {CALLS_AT_ONCE}")
    changed: dict[str, Any] = {"id": None}
    ids = [call["id"] for call in answer.tool_calls]
    if not all(ids) or len(set(ids)) < len(ids):
        changed["tool_calls"] = [{**call, "id": f"call-{n}"} for n, call in enumerate(answer.tool_calls)]
    # Some servers send the same id with each answer, and a message replaces an earlier one with its id.
    return answer.model_copy(update=changed)
