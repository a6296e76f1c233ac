package probe

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
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

func TestProbes_HangingCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var checks atomic.Int32
		probes := New(slog.New(slog.DiscardHandler), func(context.Context) error { checks.Add(1); <-release; return nil })
		for range 3 {
			start := time.Now()
			if got := statusOf(probes, "/readyz"); got != http.StatusServiceUnavailable || time.Since(start) >= time.Second {
				t.Errorf("GET /readyz = %d after %v, want %d within a second", got, time.Since(start), http.StatusServiceUnavailable)
			}
			if got := statusOf(probes, "/livez"); got != http.StatusNoContent {
				t.Errorf("GET /livez = %d, want %d", got, http.StatusNoContent)
			}
		}
		if got := checks.Load(); got != 1 {
			t.Errorf("%d checks, want 1 while it hangs", got)
		}
		close(release)
		synctest.Wait()
		if got := statusOf(probes, "/readyz"); got != http.StatusNoContent {
			t.Errorf("GET /readyz = %d once the check ends, want %d", got, http.StatusNoContent)
		}
	})
}
