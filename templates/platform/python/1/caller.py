"""The caller of the agent and the trace of the request."""

import re
import secrets
from dataclasses import dataclass
from typing import Final

from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

NAME: Final = re.compile(r"[!-~]{1,200}")
_TRACE_PARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_TRACE_STATE: Final = re.compile(r"[ -~]{1,512}")
# Not baggage, which would reach the server of the model.
_PROPAGATOR: Final = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class Trace:
    """A W3C trace context. `state` is empty if the caller sent none."""

    parent: str
    state: str

    @property
    def id(self) -> str:
        """The trace id, 32 hexadecimal digits, which is the same in the logs of all services."""
        return self.parent.split("-")[1]

    @property
    def headers(self) -> dict[str, str]:
        """The headers of calls to other services: of the current span, or else of the request."""
        if current := _current_headers():
            return current
        headers = {"traceparent": self.parent, "tracestate": self.state}
        return {name: value for name, value in headers.items() if value}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a message. Set by authentication, never by tool arguments; `subject` may be empty."""

    tenant: str
    subject: str
    trace: Trace

    @property
    def headers(self) -> dict[str, str]:
        """The headers of calls to other services, without the credential of this service."""
        subject = {"subject-id": self.subject} if self.subject else {}
        return {"tenant-id": self.tenant, **subject, **self.trace.headers}


def _current_headers() -> dict[str, str]:
    """The headers that name the current span; empty without telemetry."""
    headers: dict[str, str] = {}
    if get_current_span().get_span_context().is_valid:
        _PROPAGATOR.inject(headers)
    return headers


def trace_of(parent: str, state: str) -> Trace:
    """Return the trace of a request, or a new one, not sampled, if `parent` is missing or malformed.

    With telemetry, the current span has found or started it.
    """
    if current := _current_headers():
        return Trace(current["traceparent"], current.get("tracestate", ""))
    if _TRACE_PARENT.fullmatch(parent):
        return Trace(parent, state if _TRACE_STATE.fullmatch(state) else "")
    return Trace(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00", "")
