"""Reading settings from environment variables, and the checks that several of them have."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, HttpUrl, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from .accepted import Accepted
from .caller import NAME


class ConfigurationError(Exception):
    """The environment is not a valid configuration; the text names each variable and shows no value."""


def names(value: Any) -> Any:
    """Return the names in a list that is separated by commas; other values as they are."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def store(value: SecretStr) -> SecretStr:
    """Check the URL of a store of threads."""
    url = value.get_secret_value()
    if url != "memory:" and not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("must be memory: or postgresql://...")
    return value


def without_credential(url: HttpUrl) -> HttpUrl:
    """Check that an address has no user or password."""
    if url.username is not None or url.password is not None:
        raise ValueError("must not contain a user or password: use MODEL_API_KEY")
    return url


def without_user(url: HttpUrl | None) -> HttpUrl | None:
    """Check that an address, if there is one, has no user or password."""
    if url is not None and (url.username is not None or url.password is not None):
        raise ValueError("must not contain a user or password")
    return url


def header_value(value: SecretStr) -> SecretStr:
    """Check that a credential can be sent in a header."""
    key = value.get_secret_value()
    if not (key.isascii() and key.isprintable() and " " not in key and key):
        raise ValueError("must be printable ASCII without spaces and line breaks")
    return value


def callers(value: str) -> Accepted:
    """Read who may call, of ACCEPT_CALLERS."""
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


def readable(file: Path | None) -> Path | None:
    """Check that a file, if there is one, can be read and is not empty."""
    try:
        if file is not None and not file.read_text("ascii").strip():
            raise ValueError("the file is empty")
    except (OSError, UnicodeError) as error:
        raise ValueError(f"cannot read the file: {type(error).__name__}") from error
    return file


AnySettings = TypeVar("AnySettings", bound=BaseModel)


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
