"""What requests have in common: who calls, the thread and the message."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, TypedDict, cast
from urllib.parse import quote

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from .accepted import Accepted, CannotCheckError, NotAcceptedError, OtherTenantError
from .caller import NAME, Caller, Trace
from .lifecycle import Lifecycle
from .logs import log_with
from .turns import Message, Turns

log = logging.getLogger(__name__)

ThreadId = Annotated[
    str,
    Field(
        max_length=1000,
        pattern=r"^[A-Za-z0-9._~%-]+(/[A-Za-z0-9][A-Za-z0-9._-]*)*$",
        description="<tenant>/<capability>/<work item>; the tenant is percent-encoded",
    ),
]


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of the running application. `check` raises if a dependency is unavailable."""

    turns: Turns
    accepted: Accepted
    check: Callable[[], Awaitable[None]]
    lifecycle: Lifecycle


class Invocation(BaseModel):
    """A message to a thread. The caller chooses both ids, and resends the same message after a failure."""

    model_config = ConfigDict(extra="forbid")

    thread_id: ThreadId
    message_id: Annotated[
        str,
        Field(
            max_length=100,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$",
            description="idempotency key, unique in its thread",
        ),
    ]
    message: Annotated[str, Field(min_length=1, max_length=32_000)]
    answers: Annotated[
        str | None,
        Field(
            max_length=100,
            description="the message_id whose response was the question that this message answers",
        ),
    ] = None
    data: Annotated[Any, Field(description="the answer as a JSON value, instead of the text")] = None

    def to_message(self) -> Message:
        """The message for the thread."""
        return Message(self.message_id, self.message, self.answers, self.data)


class AppState(TypedDict):
    """The state of the application."""

    resources: Resources


def _resources(request: Request) -> Resources:
    return cast(Resources, request.state.resources)


Open = Annotated[Resources, Depends(_resources)]


_bearer = HTTPBearer(auto_error=False)


async def _authenticate(
    request: Request, resources: Open, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    try:
        log_with(service=await resources.accepted.name_of(request.headers.get("authorization", "")))
    except NotAcceptedError as error:
        log.warning("call refused", extra={"fields": {"error": str(error)}})
        headers = {"www-authenticate": "Bearer"}
        raise HTTPException(HTTPStatus.UNAUTHORIZED, "missing or invalid token", headers) from error
    except CannotCheckError as error:
        log.error("cannot check the call", extra={"fields": {"error": repr(error.__cause__)}})
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "cannot authenticate the call") from error


Authenticated = Depends(_authenticate)


def _caller(
    request: Request,
    resources: Open,
    tenant_id: Annotated[str, Header(description="the tenant whose thread this is")],
    subject_id: Annotated[str, Header(description="the person or service who acts")] = "",
) -> Caller:
    if len(request.headers.getlist("tenant-id")) != 1 or not NAME.fullmatch(tenant_id):
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, "the header tenant-id must be set once, with 1 to 200 visible characters"
        )
    if subject_id and not NAME.fullmatch(subject_id):
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, "the header subject-id must have 1 to 200 visible characters"
        )
    try:
        resources.accepted.check_tenant(tenant_id)
    except OtherTenantError as error:
        raise HTTPException(
            HTTPStatus.FORBIDDEN, "the header tenant-id is not the tenant of calls without a token"
        ) from error
    return Caller(tenant_id, subject_id, cast(Trace, request.state.trace))


Called = Annotated[Caller, Depends(_caller)]


def open_thread(caller: Caller, thread_id: str) -> None:
    """Add the thread to the log. Raises HTTPException if it is another tenant's."""
    # Not in _caller: FastAPI runs it in a thread, whose context variables are not seen here.
    log_with(tenant=caller.tenant, subject=caller.subject, thread_id=thread_id)
    if thread_id.split("/")[0] != quote(caller.tenant, safe=""):
        raise HTTPException(HTTPStatus.FORBIDDEN, "the thread belongs to another tenant")
