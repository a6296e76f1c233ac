// Command server is all processes of orders: serve takes events and answers queries, migrate brings the schema up to date.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/acme/app/primitives/projection/orders/internal/config"
	"github.com/acme/app/primitives/projection/orders/internal/ingest"
	"github.com/acme/app/primitives/projection/orders/internal/lifecycle"
	"github.com/acme/app/primitives/projection/orders/internal/probe"
	"github.com/acme/app/primitives/projection/orders/internal/projection"
	"github.com/acme/app/primitives/projection/orders/internal/query"
	"github.com/acme/app/primitives/projection/orders/internal/settings"
	"github.com/acme/app/primitives/projection/orders/internal/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:], os.Environ(), os.Stdout); err != nil {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("failed", "error", err)
		os.Exit(1)
	}
}

// requestTimeout is for one request; it ends before the HTTP server gives up.
const requestTimeout = 20 * time.Second

// run runs one process until it is done or ctx ends.
func run(ctx context.Context, args, environ []string, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("one command is needed, got %q: serve or migrate", args)
	}
	switch args[0] {
	case "serve":
		return serve(ctx, environ, out)
	case "migrate":
		return migrate(ctx, environ, out)
	default:
		return fmt.Errorf("unknown command %q: serve or migrate", args[0])
	}
}

func serve(ctx context.Context, environ []string, out io.Writer) error {
	cfg, err := settings.Load[config.Serve](environ)
	if err != nil {
		return err
	}
	log := logger(out, cfg.LogLevel)
	db, err := store.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", cfg.HTTPAddress)
	if err != nil {
		return err
	}
	log.Info("listening", "server", "http", "address", listener.Addr().String())
	requests := http.NewServeMux()
	requests.Handle("POST /v1/events", ingest.Handler(log, &store.Ingester{Store: db, Apply: projection.Apply}))
	(&query.API{Store: db, Log: log}).Register(requests)
	probes := probe.New(log, db.Ready)
	probes.Handle("/v1/", http.TimeoutHandler(cfg.Callers.Only(log, requests), requestTimeout, "the request took too long"))
	return lifecycle.Run(ctx, log, cfg.DrainTimeout,
		lifecycle.Part{Name: "readiness", Stop: func(context.Context) error { probes.Drain(); return nil }},
		lifecycle.Wait(time.Duration(cfg.DrainDelay)),
		probes.Part(listener),
		lifecycle.Part{Name: "database", Stop: func(context.Context) error { db.Close(); return nil }},
	)
}

func migrate(ctx context.Context, environ []string, out io.Writer) error {
	cfg, err := settings.Load[config.Database](environ)
	if err != nil {
		return err
	}
	return store.Migrate(ctx, logger(out, slog.LevelInfo), cfg.DatabaseURL)
}

func logger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))
}
