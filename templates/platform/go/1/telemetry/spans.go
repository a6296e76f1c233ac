package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Recording reports whether telemetry is asked for.
func Recording() bool { return recording.Load() }

// Handler records the requests that next handles, except those of the paths of probes.
func Handler(next http.Handler, probes ...string) http.Handler {
	if !Recording() {
		return next
	}
	return otelhttp.NewHandler(next, "", otelhttp.WithFilter(func(r *http.Request) bool {
		return !slices.Contains(probes, r.URL.Path)
	}))
}

// Transport records requests that are a part of a trace, and sends it on. Those of no trace, such as polls, are not recorded.
func Transport(base http.RoundTripper) http.RoundTripper {
	recorded := otelhttp.NewTransport(base, otelhttp.WithFilter(func(r *http.Request) bool {
		return trace.SpanContextFromContext(r.Context()).IsValid()
	}))
	return transport{base, recorded}
}

type transport struct{ plain, recorded http.RoundTripper }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !Recording() {
		return t.plain.RoundTrip(r)
	}
	return t.recorded.RoundTrip(r)
}

// Current returns the traceparent and tracestate of the current span; empty if none is recorded.
func Current(ctx context.Context) (parent, state string) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return "", ""
	}
	headers := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, headers)
	return headers["traceparent"], headers["tracestate"]
}

// Do runs f in a span with attributes, in pairs of a name and a text. It is a child of the current span, or else of the remote one
// with parent and state, or else the first of a trace. The error is recorded by its type alone: its text may have values.
func Do(ctx context.Context, kind trace.SpanKind, name, parent, state string, f func(context.Context) error, attributes ...string) error {
	if !Recording() {
		return f(ctx)
	}
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": parent, "tracestate": state})
	}
	ctx, span := otel.Tracer("service").Start(ctx, name, trace.WithSpanKind(kind))
	defer span.End()
	for i := 0; i+1 < len(attributes); i += 2 {
		span.SetAttributes(attribute.String(attributes[i], attributes[i+1]))
	}
	err := f(ctx)
	if err != nil {
		span.SetAttributes(attribute.String("error.type", fmt.Sprintf("%T", err)))
		span.SetStatus(codes.Error, "")
	}
	return err
}

type service struct{}

// WithService returns a context with the name of the authenticated service that calls, for the log; it may be empty.
func WithService(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, service{}, name)
}

// Logs adds to the records of a handler which service called, and the current span.
func Logs(handler slog.Handler) slog.Handler { return logs{handler, false} }

type logs struct {
	slog.Handler
	// traced reports whether all records have the trace already.
	traced bool
}

func (l logs) Handle(ctx context.Context, record slog.Record) error {
	if name, ok := ctx.Value(service{}).(string); ok {
		record.AddAttrs(slog.String("service", name))
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		known := l.traced
		record.Attrs(func(each slog.Attr) bool { known = known || isTrace(each); return !known })
		if !known {
			record.AddAttrs(slog.String("trace_id", span.TraceID().String()))
		}
		record.AddAttrs(slog.String("span_id", span.SpanID().String()))
	}
	return l.Handler.Handle(ctx, record)
}

func (l logs) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logs{l.Handler.WithAttrs(attrs), l.traced || slices.ContainsFunc(attrs, isTrace)}
}

func (l logs) WithGroup(name string) slog.Handler { return logs{l.Handler.WithGroup(name), l.traced} }

func isTrace(attr slog.Attr) bool { return attr.Key == "trace_id" }
