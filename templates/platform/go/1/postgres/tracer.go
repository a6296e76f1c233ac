package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"example.com/service/internal/platform/telemetry"
)

// tracer records the statements of calls and jobs, without their values. Those of no trace, such as polls, are not recorded.
type tracer struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, query pgx.TraceQueryStartData) context.Context {
	if !telemetry.Recording() || !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	name := "SQL"
	if words := strings.Fields(query.SQL); len(words) > 0 {
		name = strings.ToUpper(words[0])
	}
	ctx, _ = otel.Tracer("postgres").Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", "postgresql"), attribute.String("db.operation.name", name),
		attribute.String("db.query.text", strings.TrimSpace(query.SQL))))
	return context.WithValue(ctx, tracer{}, true)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, query pgx.TraceQueryEndData) {
	if ctx.Value(tracer{}) == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	if refused, ok := errors.AsType[*pgconn.PgError](query.Err); ok {
		span.SetAttributes(attribute.String("db.response.status_code", refused.Code), attribute.String("error.type", refused.Code))
	}
	// The text of an error may have values.
	if query.Err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}
