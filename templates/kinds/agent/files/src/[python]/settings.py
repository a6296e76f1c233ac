"""Configuration from environment variables, its only source.

Settings that differ between deployments have no default.
"""

from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    StringConstraints,
)

from .platform.accepted import Accepted
from .platform.settings import (
    callers,
    header_value,
    names,
    readable,
    store,
    without_credential,
    without_user,
)


class StoreSettings(BaseModel):
    """The settings of the command migrate."""

    model_config = ConfigDict(frozen=True)

    checkpoint_url: Annotated[SecretStr, AfterValidator(store), Field(alias="CHECKPOINT_URL")]


class Settings(StoreSettings):
    """The settings of the command serve."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    port: Annotated[int, Field(alias="PORT", ge=1, le=65535)] = 8080
    drain_delay_seconds: Annotated[int, Field(alias="DRAIN_DELAY_SECONDS", ge=0)] = 0
    drain_timeout_seconds: Annotated[int, Field(alias="DRAIN_TIMEOUT_SECONDS", ge=0)] = 10
    turn_timeout_seconds: Annotated[int, Field(alias="TURN_TIMEOUT_SECONDS", ge=1)] = 120
    model_timeout_seconds: Annotated[int, Field(alias="MODEL_TIMEOUT_SECONDS", ge=1)] = 30
    model_input_tokens: Annotated[int, Field(alias="MODEL_INPUT_TOKENS", ge=1000)] = 32_000
    send_caller_to_model: Annotated[bool, Field(alias="SEND_CALLER_TO_MODEL")] = False
    model_url: Annotated[HttpUrl, AfterValidator(without_credential), Field(alias="MODEL_URL")]
    model_name: Annotated[str, StringConstraints(min_length=1), Field(alias="MODEL_NAME")]
    model_api_key: Annotated[SecretStr, AfterValidator(header_value), Field(alias="MODEL_API_KEY")]
    tool_grants: Annotated[frozenset[str], BeforeValidator(names), Field(alias="TOOL_GRANTS")] = frozenset()
    commands_url: Annotated[HttpUrl | None, AfterValidator(without_user), Field(alias="COMMANDS_URL")] = None
    service_token_file: Annotated[
        Path | None, AfterValidator(readable), Field(alias="SERVICE_TOKEN_FILE")
    ] = None
    accepted: Annotated[Accepted, BeforeValidator(callers), Field(alias="ACCEPT_CALLERS")]
