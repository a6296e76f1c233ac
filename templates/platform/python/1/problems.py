"""The responses to requests that fail: problem details, without the values of the request."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from .lifecycle import OutOfTimeError
from .model import ModelError, TooLongError
from .threads import ThreadBusyError, ThreadsUnavailableError, TurnCancelledError
from .turns import AnswerLimitError, MessageConflictError, QuestionClosedError, RepeatedMessageError

log = logging.getLogger(__name__)

INTERNAL: Final = "An internal error occurred."
# The responses to failed turns. Any other exception is a bug: status 500, the stack trace is only logged.
FAILURES: Final[Mapping[type[Exception], tuple[HTTPStatus, str]]] = {
    NotImplementedError: (HTTPStatus.NOT_IMPLEMENTED, "not_implemented"),
    ThreadBusyError: (HTTPStatus.CONFLICT, "thread_busy"),
    TurnCancelledError: (HTTPStatus.CONFLICT, "cancelled"),
    RepeatedMessageError: (HTTPStatus.CONFLICT, "repeated_message"),
    MessageConflictError: (HTTPStatus.CONFLICT, "message_conflict"),
    QuestionClosedError: (HTTPStatus.CONFLICT, "question_closed"),
    ThreadsUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "store_unavailable"),
    ModelError: (HTTPStatus.BAD_GATEWAY, "model_failed"),
    OutOfTimeError: (HTTPStatus.GATEWAY_TIMEOUT, "out_of_time"),
    AnswerLimitError: (HTTPStatus.UNPROCESSABLE_ENTITY, "answer_limit"),
    TooLongError: (HTTPStatus.UNPROCESSABLE_ENTITY, "too_long"),
}


class Problem(BaseModel):
    """Problem details (RFC 9457); `code` is for programs."""

    title: str
    status: int
    detail: str
    code: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What a caller learns about a failed turn."""

    status: HTTPStatus
    code: str
    detail: str


def failure_of(error: Exception) -> Failure:
    """Return the failure of a turn, and log it."""
    known = next((FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES), None)
    if known is None:
        log.error("turn failed", exc_info=error)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return Failure(status, status.name.lower(), INTERNAL)
    # Without the stack trace: these errors are expected, and their causes may contain model output.
    log.warning("turn failed", extra={"fields": {"code": known[1], "error": str(error)}})
    return Failure(*known, str(error))


def add_handlers(app: FastAPI) -> None:
    """Answer failures of `app` with problem details."""
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_invalid)
    for failure in FAILURES:
        app.add_exception_handler(failure, _fail)


def problem(
    status: HTTPStatus, detail: str, code: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return a response with problem details."""
    body = Problem(title=status.phrase, status=status, detail=detail, code=code or status.name.lower())
    return JSONResponse(body.model_dump(), status.value, headers, media_type="application/problem+json")


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    refusal = cast(HTTPException, error)
    return problem(HTTPStatus(refusal.status_code), refusal.detail, headers=refusal.headers)


async def _refuse_invalid(_: Request, error: Exception) -> JSONResponse:
    faults = cast(RequestValidationError, error).errors()
    # Field and rule only: the response does not contain the value.
    text = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, text, "invalid_request")


async def _fail(_: Request, error: Exception) -> JSONResponse:
    failure = failure_of(error)
    headers: dict[str, str] = {}
    if isinstance(error, ThreadBusyError):
        headers["retry-after"] = str(max(1, math.ceil(error.seconds)))
    return problem(failure.status, failure.detail, failure.code, headers)
