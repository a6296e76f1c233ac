"""Configuration from environment variables, its only source.

Settings that differ between deployments have no default.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

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

from .accepted import Accepted
from .caller import NAME


class ConfigurationError(Exception):
    """The environment is not a valid configuration; the text names each variable and shows no value."""


def _names(value: Any) -> Any:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def _store(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    if url != "memory:" and not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("must be memory: or postgresql://...")
    return value


def _without_credential(url: HttpUrl) -> HttpUrl:
    if url.username is not None or url.password is not None:
        raise ValueError("must not contain a user or password: use MODEL_API_KEY")
    return url


def _without_user(url: HttpUrl | None) -> HttpUrl | None:
    if url is not None and (url.username is not None or url.password is not None):
        raise ValueError("must not contain a user or password")
    return url


def _header_value(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if not (key.isascii() and key.isprintable() and " " not in key and key):
        raise ValueError("must be printable ASCII without spaces and line breaks")
    return value


def _callers(value: str) -> Accepted:
    named, _, tenant = value.partition(":")
    if named == "anyone":
        if not NAME.fullmatch(tenant):
            raise ValueError("anyone needs the tenant that callers without a token have: anyone:TENANT")
        return Accepted(None, tenant)
    if not Path(value).is_absolute():
        raise ValueError("must be anyone:TENANT or the absolute path of a file that lists callers")
    try:
        return Accepted(Path(value))
    except OSError as error:
        raise ValueError(f"cannot read the file: {type(error).__name__}") from error


def _readable(file: Path | None) -> Path | None:
    try:
        if file is not None and not file.read_text("ascii").strip():
            raise ValueError("the file is empty")
    except (OSError, UnicodeError) as error:
        raise ValueError(f"cannot read the file: {type(error).__name__}") from error
    return file


class StoreSettings(BaseModel):
    """The settings of the command migrate."""

    model_config = ConfigDict(frozen=True)

    checkpoint_url: Annotated[SecretStr, AfterValidator(_store), Field(alias="CHECKPOINT_URL")]


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
    model_url: Annotated[HttpUrl, AfterValidator(_without_credential), Field(alias="MODEL_URL")]
    model_name: Annotated[str, StringConstraints(min_length=1), Field(alias="MODEL_NAME")]
    model_api_key: Annotated[SecretStr, AfterValidator(_header_value), Field(alias="MODEL_API_KEY")]
    tool_grants: Annotated[frozenset[str], BeforeValidator(_names), Field(alias="TOOL_GRANTS")] = frozenset()
    commands_url: Annotated[HttpUrl | None, AfterValidator(_without_user), Field(alias="COMMANDS_URL")] = None
    service_token_file: Annotated[
        Path | None, AfterValidator(_readable), Field(alias="SERVICE_TOKEN_FILE")
    ] = None
    accepted: Annotated[Accepted, BeforeValidator(_callers), Field(alias="ACCEPT_CALLERS")]


AnySettings = TypeVar("AnySettings", bound=StoreSettings)


def read_settings(kind: type[AnySettings], environment: Mapping[str, str]) -> AnySettings:
    """Read the configuration. Raises ConfigurationError, which names all invalid variables."""
    try:
        return kind.model_validate(dict(environment))
    except ValidationError as error:
        # Not `from error`: its text contains the values, which may be secrets.
        raise ConfigurationError("; ".join(sorted(map(_describe, error.errors())))) from None


def _describe(fault: ErrorDetails) -> str:
    rule = "is required but not set" if fault["type"] == "missing" else fault["msg"]
    return f"{fault['loc'][0]}: {rule.removeprefix('Value error, ')}"
