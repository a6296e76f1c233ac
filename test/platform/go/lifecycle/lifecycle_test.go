package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var discard = slog.New(slog.DiscardHandler)

// recorder creates parts that record the order in which they are stopped.
type recorder struct{ stopped []string }

func (r *recorder) part(name string) Part {
	done := make(chan struct{})
	return Part{
		Name: name,
		Run:  func() error { <-done; return nil },
		Stop: func(context.Context) error {
			r.stopped = append(r.stopped, name)
			close(done)
			return nil
		},
	}
}

func TestRun_StopsInOrder(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var r recorder
	if err := Run(ctx, discard, time.Second, r.part("readiness"), r.part("calls"), r.part("database")); err != nil {
		t.Errorf("Run() error = %v, want nil", err)
	}
	if diff := cmp.Diff([]string{"readiness", "calls", "database"}, r.stopped); diff != "" {
		t.Errorf("order differs (-want +got):\n%s", diff)
	}
}

func TestRun_StopsAllIfOneFails(t *testing.T) {
	broken := errors.New("address in use")
	var r recorder
	err := Run(t.Context(), discard, time.Second, Part{Name: "http", Run: func() error { return broken }}, r.part("calls"))
	if !errors.Is(err, broken) {
		t.Errorf("Run() error = %v, want %v", err, broken)
	}
	if diff := cmp.Diff([]string{"calls"}, r.stopped); diff != "" {
		t.Errorf("stopped differs (-want +got):\n%s", diff)
	}
}

func TestRun_DrainTimeout(t *testing.T) {
	const timeout = 10 * time.Second
	for _, test := range []struct {
		name  string
		stuck func(ctx context.Context, ever <-chan struct{}) error
		want  time.Duration
	}{
		{"gives up with its context", func(ctx context.Context, _ <-chan struct{}) error { <-ctx.Done(); return ctx.Err() }, timeout},
		{"does not give up", func(_ context.Context, ever <-chan struct{}) error { <-ever; return nil }, timeout + grace},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			ever := make(chan struct{})
			defer close(ever)
			stuck := Part{Name: "calls", Stop: func(ctx context.Context) error { return test.stuck(ctx, ever) }}
			start := time.Now()
			if err := Run(ctx, discard, timeout, Wait(2*time.Second), stuck); err == nil {
				t.Errorf("a part that %s: Run() error = nil, want one", test.name)
			}
			if got := time.Since(start); got != test.want {
				t.Errorf("a part that %s: Run() took %v, want %v", test.name, got, test.want)
			}
		})
	}
}
