// Package caller is who calls, and as part of which trace.
package caller

import (
	"context"
	"regexp"
)

// Caller is for whom a tool works. It comes from where the call was let in, never from the arguments of a tool.
type Caller struct {
	Tenant, Subject string
	// TraceParent and TraceState are the W3C trace context, as [Trace] returns it; empty where the call has none.
	TraceParent, TraceState string
}

// TraceID is the id of the trace, for logs; empty without one.
func (c Caller) TraceID() string {
	if c.TraceParent == "" {
		return ""
	}
	return c.TraceParent[3:35]
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
	traceParent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)
	traceState  = regexp.MustCompile(`^[ -~]{0,512}$`)
	noTrace     = regexp.MustCompile(`^ff|^..-0{32}-|-0{16}-..$`)
)

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
