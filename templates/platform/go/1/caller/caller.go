// Package caller carries the tenant, subject and trace of a call through the process.
package caller

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"regexp"

	"example.com/service/internal/platform/telemetry"
)

// Caller identifies who makes a call. It is set where the call is authenticated.
type Caller struct {
	Tenant string `json:"tenant"`
	// Subject is the user on whose behalf the call is made; empty if unknown.
	Subject string `json:"subject"`
	// TraceParent and TraceState are the W3C trace context, as returned by [Trace]; empty if the call has none.
	TraceParent string `json:"traceparent"`
	TraceState  string `json:"tracestate"`
	// Request identifies the request that the call is made for, such as a step of a process; empty if unknown. Events that
	// the call causes carry it.
	Request string `json:"-"`
	// Service is the name of the authenticated service that calls; empty if it has none.
	Service string `json:"-"`
}

// In returns the caller with the trace of the current span in ctx; without one, with its own trace, or a new one that is not
// sampled, whose id still connects logs.
func (c Caller) In(ctx context.Context) Caller {
	if parent, state := telemetry.Current(ctx); parent != "" {
		c.TraceParent, c.TraceState = parent, state
	}
	if c.TraceParent == "" {
		var ids [24]byte
		_, _ = rand.Read(ids[:])
		c.TraceParent = "00-" + hex.EncodeToString(ids[:16]) + "-" + hex.EncodeToString(ids[16:]) + "-00"
	}
	return c
}

// LogAttrs returns the log attributes of a caller, which are the same in all services.
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

// From returns the caller in ctx, or the zero value.
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

// IsName reports whether text is a valid tenant, subject or request.
func IsName(text string) bool { return name.MatchString(text) }

// Trace returns a trace context, or an empty one if parent is malformed, so that a new trace starts. A state that is
// malformed or longer than 512 characters is dropped.
func Trace(parent, state string) (string, string) {
	if !traceParent.MatchString(parent) || noTrace.MatchString(parent) {
		return "", ""
	}
	if !traceState.MatchString(state) {
		state = ""
	}
	return parent, state
}
