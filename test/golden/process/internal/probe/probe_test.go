package probe

import (
	"context"
	"errors"
	"log/slog"
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
	log := slog.New(slog.DiscardHandler)
	draining := New(log, up)
	draining.Drain()
	for _, test := range []struct {
		state  string
		probes *Probes
		path   string
		want   int
	}{
		{"up", New(log, up), "/livez", http.StatusNoContent},
		{"up", New(log, up), "/readyz", http.StatusNoContent},
		{"down", New(log, down), "/livez", http.StatusNoContent},
		{"down", New(log, down), "/readyz", http.StatusServiceUnavailable},
		{"draining", draining, "/livez", http.StatusNoContent},
		{"draining", draining, "/readyz", http.StatusServiceUnavailable},
	} {
		if got := statusOf(test.probes, test.path); got != test.want {
			t.Errorf("%s: GET %s = %d, want %d", test.state, test.path, got, test.want)
		}
	}
}
