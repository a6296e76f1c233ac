// Package probe answers the questions of an orchestrator over HTTP: is the process alive, and may it have work?
package probe

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/acme/app/primitives/process/orders/internal/lifecycle"
)

// Check says why the process may not have work; nil if it may.
type Check func(context.Context) error

// Probes is the handler of the probes. Use [New].
type Probes struct {
	*http.ServeMux
	log      *slog.Logger
	ready    Check
	draining atomic.Bool
}

// New returns probes: alive as long as they answer, ready as long as the check passes and Drain was not called.
// Why a check does not pass is in the log alone.
func New(log *slog.Logger, ready Check) *Probes {
	p := &Probes{ServeMux: http.NewServeMux(), log: log, ready: ready}
	p.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	p.HandleFunc("GET /readyz", p.answerReady)
	return p
}

// Drain makes the process not ready for good.
func (p *Probes) Drain() { p.draining.Store(true) }

func (p *Probes) answerReady(w http.ResponseWriter, r *http.Request) {
	if p.draining.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if err := p.ready(ctx); err != nil {
		p.log.WarnContext(r.Context(), "not ready", "error", err)
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Part is an HTTP server of p and of what else was added to it, on a listener, as a part of the process. It does not wait
// for slow clients, and finishes requests in flight while there is time.
func (p *Probes) Part(listener net.Listener) lifecycle.Part {
	server := &http.Server{
		Handler:           p,
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
