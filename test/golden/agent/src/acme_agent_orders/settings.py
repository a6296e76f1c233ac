"""Configuration. The environment is its only authority: every variable is required and none has a default."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails


class ConfigurationError(Exception):
    """The environment does not configure this agent; the text names each variable and shows no value."""


def _names(value: Any) -> Any:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def _store(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    if url != "memory:" and not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("should be memory: or postgresql://...")
    return value


class Settings(BaseModel):
    """The configuration of a process."""

    model_config = ConfigDict(frozen=True)

    port: Annotated[int, Field(alias="PORT", ge=1, le=65535)]
    drain_delay_seconds: Annotated[int, Field(alias="DRAIN_DELAY_SECONDS", ge=0)]
    drain_timeout_seconds: Annotated[int, Field(alias="DRAIN_TIMEOUT_SECONDS", ge=0)]
    checkpoint_url: Annotated[SecretStr, AfterValidator(_store), Field(alias="CHECKPOINT_URL")]
    model_url: Annotated[HttpUrl, Field(alias="MODEL_URL")]
    model_name: Annotated[str, StringConstraints(min_length=1), Field(alias="MODEL_NAME")]
    model_api_key: Annotated[SecretStr, Field(alias="MODEL_API_KEY", min_length=1)]
    tool_grants: Annotated[frozenset[str], BeforeValidator(_names), Field(alias="TOOL_GRANTS")]


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads the configuration. Raises ConfigurationError with all that is wrong, not only the first."""
    try:
        return Settings.model_validate(dict(environment))
    except ValidationError as error:
        # Not `from error`: it repeats the values, which may be secrets.
        raise ConfigurationError("; ".join(sorted(map(_describe, error.errors())))) from None


def _describe(fault: ErrorDetails) -> str:
    rule = "is required but not set" if fault["type"] == "missing" else fault["msg"]
    return f"{fault['loc'][0]}: {rule}"
