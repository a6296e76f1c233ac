// Package caller is who calls, and as part of which trace, from the edge of the process to what it stores and calls.
package caller

import (
	"context"
	"log/slog"
	"regexp"
)

// Caller is what a call says of itself. It comes from where the call was let in.
type Caller struct {
	Tenant string `json:"tenant"`
	// Subject is who acts; empty where the call does not say.
	Subject string `json:"subject"`
	// TraceParent and TraceState are the W3C trace context, as [Trace] returns it; empty where the call has none.
	TraceParent string `json:"traceparent"`
	TraceState  string `json:"tracestate"`
}

// LogAttrs are what log lines of any service name a caller by.
func (c Caller) LogAttrs() []slog.Attr {
	var id string
	if len(c.TraceParent) >= 35 {
		id = c.TraceParent[3:35]
	}
	return []slog.Attr{slog.String("tenant", c.Tenant), slog.String("subject", c.Subject), slog.String("trace_id", id)}
}

type key struct{}

// With returns a context that carries c.
func With(ctx context.Context, c Caller) context.Context { return context.WithValue(ctx, key{}, c) }

// From returns what With put into ctx, or its zero value.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(key{}).(Caller)
	return c
}

var (
	name        = regexp.MustCompile(`^[!-~]{1,200}$`)
	traceParent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)
	traceState  = regexp.MustCompile(`^[ -~]{0,512}$`)
	noTrace     = regexp.MustCompile(`^ff|^..-0{32}-|-0{16}-..$`)
)

// IsName reports whether text can be the name of a tenant or a subject.
func IsName(text string) bool { return name.MatchString(text) }

// Trace returns a trace context, or none if parent is malformed: by the standard, such a trace begins anew. A state that
// is malformed, or longer than what the standard has to be passed on, is left out.
func Trace(parent, state string) (string, string) {
	if !traceParent.MatchString(parent) || noTrace.MatchString(parent) {
		return "", ""
	}
	if !traceState.MatchString(state) {
		state = ""
	}
	return parent, state
}
