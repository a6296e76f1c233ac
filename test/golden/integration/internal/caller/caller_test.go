package caller

import "testing"

func TestTrace(t *testing.T) {
	const valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, test := range []struct{ parent, wantParent, wantState string }{
		{valid, valid, "vendor=1"},
		{"", "", ""},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "", ""},
		{"00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01", "", ""},
		{"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "", ""},
		{"00-00000000000000000000000000000000-00f067aa0ba902b7-01", "", ""},
		{"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "", ""},
	} {
		if parent, state := Trace(test.parent, "vendor=1"); parent != test.wantParent || state != test.wantState {
			t.Errorf("Trace(%q) = %q, %q, want %q, %q", test.parent, parent, state, test.wantParent, test.wantState)
		}
	}
}
