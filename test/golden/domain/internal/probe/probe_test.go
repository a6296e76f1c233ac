package probe

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func statusOf(handler http.Handler, path string) int {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code
}

func TestProbes(t *testing.T) {
	up := func(context.Context) error { return nil }
	down := func(context.Context) error { return errors.New("no database") }
	draining := New(up)
	draining.Drain()
	for _, test := range []struct {
		state  string
		probes *Probes
		path   string
		want   int
	}{
		{"up", New(up), "/livez", http.StatusNoContent},
		{"up", New(up), "/readyz", http.StatusNoContent},
		{"down", New(down), "/livez", http.StatusNoContent},
		{"down", New(down), "/readyz", http.StatusServiceUnavailable},
		{"draining", draining, "/livez", http.StatusNoContent},
		{"draining", draining, "/readyz", http.StatusServiceUnavailable},
	} {
		if got := statusOf(test.probes, test.path); got != test.want {
			t.Errorf("%s: GET %s = %d, want %d", test.state, test.path, got, test.want)
		}
	}
}
