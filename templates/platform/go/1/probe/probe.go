// Package probe serves the liveness and readiness probes over HTTP.
package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"example.com/service/internal/platform/lifecycle"
	"example.com/service/internal/platform/telemetry"
)

// checkTimeout limits a check of readiness; Kubernetes waits a second for the answer.
const checkTimeout = 900 * time.Millisecond

// Check returns nil if the process is ready.
type Check func(context.Context) error

// Probes handles the probes. Use [New].
type Probes struct {
	*http.ServeMux
	log      *slog.Logger
	ready    Check
	draining atomic.Bool
	// checking has one place: a check that hangs is not started again and again.
	checking chan struct{}
}

// New returns probes: live as long as the process answers, ready until Drain is called and while the check passes. The
// error of a failed check is only logged.
func New(log *slog.Logger, ready Check) *Probes {
	p := &Probes{ServeMux: http.NewServeMux(), log: log, ready: ready, checking: make(chan struct{}, 1)}
	p.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	p.HandleFunc("GET /readyz", p.answerReady)
	return p
}

// Drain makes the process permanently not ready.
func (p *Probes) Drain() { p.draining.Store(true) }

func (p *Probes) answerReady(w http.ResponseWriter, r *http.Request) {
	if p.draining.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	if err := p.check(); err != nil {
		p.log.WarnContext(r.Context(), "not ready", "error", err)
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// check ends in time, also if the check does not end with its context.
func (p *Probes) check() error {
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	select {
	case p.checking <- struct{}{}:
	case <-ctx.Done():
		return errors.New("the last check has not ended")
	}
	ended := make(chan error, 1)
	go func() {
		defer func() { <-p.checking }()
		ended <- p.ready(ctx)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the check hangs: %w", ctx.Err())
	}
}

// Part returns an HTTP server for p and all handlers added to it. It has timeouts for slow clients, and on stop it
// finishes requests in flight until the deadline.
func (p *Probes) Part(listener net.Listener) lifecycle.Part {
	server := &http.Server{
		Handler:           telemetry.Handler(p, "/livez", "/readyz"),
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelError),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	return lifecycle.Part{
		Name: "http",
		Run: func() error {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
		Stop: func(ctx context.Context) error {
			err := server.Shutdown(ctx)
			if err != nil {
				_ = server.Close()
			}
			return err
		},
	}
}
