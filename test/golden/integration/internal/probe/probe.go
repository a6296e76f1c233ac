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

// Server is an HTTP server of p and whatever else was added to it, which does not wait for slow clients.
func Server(p *Probes) *http.Server {
	return &http.Server{
		Handler:           p,
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelError),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
}

// Serve serves until the server is shut down, which is no error.
func Serve(server *http.Server, listener net.Listener) error {
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
