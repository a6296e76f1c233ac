"""The OpenTelemetry SDK and its OTLP exporters. Only telemetry.py imports this module, if it has to."""

# The exporter leaves a part of its signature untyped.
# pyright: reportUnknownMemberType=false

import logging
from collections.abc import Callable, Collection, Sequence
from threading import Lock
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import Status

log = logging.getLogger(__name__)


def open_providers(name: str, signals: Collection[str]) -> Callable[[], None]:
    """Make the SDK that of the process, and return what sends the rest and closes it.

    The SDK reads OTEL_* itself. Its queues are bounded; what does not fit is dropped.
    """
    # Exporters log each batch.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
    resource = Resource.create({"service.name": name}).merge(OTELResourceDetector().detect())
    outage = _Outage()
    opened: list[TracerProvider | MeterProvider] = []
    if "TRACES" in signals:
        # Events of spans are exceptions, whose texts may have parts of conversations.
        limits = SpanLimits(max_events=0)
        traces = TracerProvider(resource=resource, span_limits=limits, shutdown_on_exit=False)
        traces.add_span_processor(WithoutQuery())
        traces.add_span_processor(BatchSpanProcessor(_Spans(outage)))
        trace.set_tracer_provider(traces)
        opened.append(traces)
    if "METRICS" in signals:
        reader = PeriodicExportingMetricReader(_Metrics(outage))
        meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        metrics.set_meter_provider(meters)
        opened.append(meters)

    def close() -> None:
        for provider in opened:
            provider.shutdown()

    return close


class WithoutQuery(SpanProcessor):
    """Hides the queries of requests, which FastAPI records."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """See SpanProcessor."""
        if "url.query" in (span.attributes or {}):
            span.set_attribute("url.query", "REDACTED")


def without_text(span: ReadableSpan) -> ReadableSpan:
    """Return the span without the description of its status: libraries put the texts of errors into it."""
    if not span.status.description:
        return span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        links=span.links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
    )


class _Outage:
    """Logs when the collector stops taking telemetry and when it takes it again, not for each batch."""

    def __init__(self) -> None:
        self._failing: set[str] = set()
        self._lock = Lock()

    def report(self, signal: str, *, taken: bool) -> None:
        """Record the outcome of one batch. Callable from any thread."""
        with self._lock:
            before = bool(self._failing)
            (self._failing.discard if taken else self._failing.add)(signal)
            after = bool(self._failing)
        if after and not before:
            log.warning("telemetry is not taken: it is dropped until the collector is back")
        elif before and not after:
            log.info("telemetry is taken again")


class _Spans(OTLPSpanExporter):
    def __init__(self, outage: _Outage) -> None:
        super().__init__()
        self._outage = outage

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See SpanExporter."""
        result = super().export([without_text(span) for span in spans])
        self._outage.report("TRACES", taken=result is SpanExportResult.SUCCESS)
        return result


class _Metrics(OTLPMetricExporter):
    def __init__(self, outage: _Outage) -> None:
        super().__init__()
        self._outage = outage

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """See MetricExporter."""
        result = super().export(metrics_data, timeout_millis, **kwargs)
        self._outage.report("METRICS", taken=result is MetricExportResult.SUCCESS)
        return result
