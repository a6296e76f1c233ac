package caller

import (
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

func TestTraceID(t *testing.T) {
	traced := Caller{TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
	if got, want := traced.TraceID(), "4bf92f3577b34da6a3ce929d0e0e4736"; got != want {
		t.Errorf("TraceID() = %q, want %q", got, want)
	}
	if got := (Caller{}).TraceID(); got != "" {
		t.Errorf("TraceID() without a trace = %q, want none", got)
	}
}
