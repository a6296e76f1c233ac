"""The runtime context of steps. It is not stored, unlike the state."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_core.tools import BaseTool

from .platform.caller import Caller
from .platform.credentials import service_credential
from .platform.model import Model


@dataclass(frozen=True, slots=True)
class Context:
    """The model, the tokens of a conversation that it may get, the granted tools, and who acts.

    The caller is who asked for the turn, also if somebody else answered a question of it: `answered_by` is
    the subject of the last answer, empty without one. `commands_url` is the domain that tools call.
    """

    model: Model
    input_tokens: int
    tools: Sequence[BaseTool]
    service_token_file: Path | None
    caller: Caller
    answered_by: str = ""
    commands_url: str | None = None

    def headers(self) -> dict[str, str]:
        """The headers of calls to other services: credential, caller and trace. Raises OSError."""
        return {**self.caller.headers, **service_credential(self.service_token_file)}
