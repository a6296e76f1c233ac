package caller

import (
	"log/slog"
	"strings"
	"testing"
)

func TestTrace(t *testing.T) {
	const valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, test := range []struct{ parent, state, wantParent, wantState string }{
		{valid, "vendor=1,other=2", valid, "vendor=1,other=2"},
		{valid, "vendor=\xff", valid, ""},
		{valid, strings.Repeat("a", 513), valid, ""},
		{"", "vendor=1", "", ""},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "vendor=1", "", ""},
		{"00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01", "vendor=1", "", ""},
		{"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "vendor=1", "", ""},
		{"00-00000000000000000000000000000000-00f067aa0ba902b7-01", "vendor=1", "", ""},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "vendor=1", "", ""},
	} {
		if parent, state := Trace(test.parent, test.state); parent != test.wantParent || state != test.wantState {
			t.Errorf("Trace(%q, %q) = %q, %q, want %q, %q", test.parent, test.state, parent, state, test.wantParent, test.wantState)
		}
	}
}

func TestCaller_LogAttrs(t *testing.T) {
	for _, test := range []struct {
		caller Caller
		want   string
	}{
		{
			Caller{Tenant: "acme", Subject: "alice", TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
			`tenant=acme subject=alice trace_id=4bf92f3577b34da6a3ce929d0e0e4736`,
		},
		{Caller{}, `tenant="" subject="" trace_id=""`},
	} {
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).LogAttrs(t.Context(), slog.LevelInfo, "call", test.caller.LogAttrs()...)
		if got := log.String(); !strings.HasSuffix(got, " msg=call "+test.want+"\n") {
			t.Errorf("log = %s, want its end %s", got, test.want)
		}
	}
}
