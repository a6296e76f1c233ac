"""What the steps of a run are given beside the state, which is stored and therefore holds data only."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_core.tools import BaseTool

from .caller import Caller
from .credentials import service_credential
from .model import Model


@dataclass(frozen=True, slots=True)
class Context:
    """The model, the tools to offer it, and for whom this message is answered."""

    model: Model
    tools: Sequence[BaseTool]
    service_token_file: Path | None
    caller: Caller

    def headers(self) -> dict[str, str]:
        """What each call to another service carries: who asks for whom, and the trace. Raises OSError."""
        return {**self.caller.headers, **service_credential(self.service_token_file)}
