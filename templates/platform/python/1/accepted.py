"""Who may call: the file of ACCEPT_CALLERS."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from .issuer import InvalidTokenError, Issuer, IssuerUnavailableError, Server

Text = Annotated[str, StringConstraints(min_length=1)]


class NotAcceptedError(Exception):
    """The call has no accepted token. The text is for the log only."""


class OtherTenantError(Exception):
    """The call names a tenant that it may not name."""


class CannotCheckError(Exception):
    """The call cannot be checked, which is not the caller's fault. The text is for the log only."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    issuer: Annotated[str, StringConstraints(pattern=r"^https?://[^/@?#]+(/[^?#]*)?$")]
    audience: Text
    subjects: Annotated[list[Text], Field(min_length=1)]
    ca_file: Annotated[Path | None, Field(alias="caFile")] = None
    token_file: Annotated[Path | None, Field(alias="tokenFile")] = None

    @property
    def server(self) -> Server:
        return Server(self.issuer, self.ca_file, self.token_file)


class _Callers(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tokens: Mapping[str, Sequence[Text]] = {}
    issuers: Sequence[_Entry] = ()


class Accepted:
    """The accepted callers, read again with each call because tokens are rotated."""

    def __init__(self, file: Path | None, tenant: str | None = None) -> None:
        """Read the file. Raises ValueError, also if it accepts nobody, and OSError.

        Without a file, calls need no token, and are of the tenant.
        """
        if (file is None) == (tenant is None):
            raise ValueError("needs either a file or a tenant")
        self._file = file
        self._tenant = tenant
        self._issuers: dict[Server, Issuer] = {}
        for entry in self._read().issuers:
            entry.server.check()

    async def name_of(self, authorization: str) -> str:
        """Return who calls with this header: the name of the token or its subject; empty without a name.

        Raises NotAcceptedError and CannotCheckError.
        """
        if self._file is None:
            return ""
        try:
            callers = self._read()
        except (OSError, ValueError) as error:
            raise CannotCheckError("cannot read the accepted callers") from error
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAcceptedError("no token")
        # Compares all tokens, so that the time does not reveal which one matches.
        names = [
            name
            for name, tokens in callers.tokens.items()
            for each in tokens
            if secrets.compare_digest(token.encode(), each.encode())
        ]
        return names[0] if names else await self._subject_of(token, callers.issuers)

    def check_tenant(self, tenant: str) -> None:
        """Raise OtherTenantError if accepted calls may not name this tenant."""
        if self._tenant not in (None, tenant):
            raise OtherTenantError

    async def _subject_of(self, token: str, entries: Sequence[_Entry]) -> str:
        refused: list[str] = []
        unavailable: Exception | None = None
        for entry in entries:
            issuer = self._issuers.setdefault(entry.server, Issuer(entry.server))
            try:
                subject = await issuer.subject_of(token, entry.audience)
            except InvalidTokenError as error:
                refused.append(f"{entry.issuer}: {error}")
            except IssuerUnavailableError as error:
                unavailable = error
            else:
                if subject in entry.subjects:
                    return subject
                refused.append(f"{entry.issuer}: the subject {subject[:200]} is not listed")
        if unavailable is not None:
            raise CannotCheckError(str(unavailable)) from unavailable
        raise NotAcceptedError("; ".join(refused) or "unknown token")

    def _read(self) -> _Callers:
        if self._file is None:
            return _Callers()
        text = self._file.read_text("utf-8").strip()
        try:
            # Without JSON, it has tokens without names, one per line.
            callers = (
                _Callers.model_validate_json(text)
                if text.startswith("{")
                else _Callers(tokens={"": text.split()})
            )
        except ValidationError as error:
            # Not `from error`: its text contains tokens.
            faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise ValueError(faults) from None
        if not (any(callers.tokens.values()) or callers.issuers):
            raise ValueError("it has neither tokens nor issuers")
        return callers
