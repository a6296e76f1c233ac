"""Logs: one JSON object per line on standard output."""

import json
import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from opentelemetry.trace import format_span_id, get_current_span

_context: Final[ContextVar[Mapping[str, object]]] = ContextVar("log fields", default=MappingProxyType({}))


def log_with(**fields: object) -> None:
    """Add fields to all further log records of the current task and of tasks that it starts."""
    _context.set({**_context.get(), **fields})


class JsonFormatter(logging.Formatter):
    """One line per record: time, level, logger, message, fields of log_with, span and `extra`, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without a newline."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().rstrip(),
            **_context.get(),
            **_span(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # ASCII only, so that neither the locale nor a lone surrogate can lose a line.
        return json.dumps(line, default=str)


def _span() -> Mapping[str, str]:
    span = get_current_span().get_span_context()
    return {"span_id": format_span_id(span.span_id)} if span.is_valid else {}


def configure_logging() -> None:
    """Send all logs and warnings of the process to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    # httpx2 logs a line per request to the model.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
