// Command server is all processes of orders: serve answers calls, dispatch delivers events, migrate brings the schema up
// to date, events is about events that were delivered or could not be.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"

	pb "github.com/acme/app/primitives/domain/orders/gen/acme/domain/orders/v1"
	"github.com/acme/app/primitives/domain/orders/internal/config"
	"github.com/acme/app/primitives/domain/orders/internal/credentials"
	"github.com/acme/app/primitives/domain/orders/internal/lifecycle"
	"github.com/acme/app/primitives/domain/orders/internal/outbox"
	"github.com/acme/app/primitives/domain/orders/internal/probe"
	"github.com/acme/app/primitives/domain/orders/internal/rpc"
	"github.com/acme/app/primitives/domain/orders/internal/service"
	"github.com/acme/app/primitives/domain/orders/internal/settings"
	"github.com/acme/app/primitives/domain/orders/internal/store"
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

// run runs one process until it is done or ctx ends.
func run(ctx context.Context, args, environ []string, out io.Writer) error {
	const known = "serve, dispatch, migrate, events"
	switch {
	case len(args) == 0:
		return errors.New("a command is needed: " + known)
	case args[0] == "events":
		return events(ctx, args[1:], environ, out)
	case len(args) > 1:
		return fmt.Errorf("%s takes no arguments, got %q", args[0], args[1:])
	case args[0] == "serve":
		return serve(ctx, environ, out)
	case args[0] == "dispatch":
		return dispatch(ctx, environ, out)
	case args[0] == "migrate":
		return migrate(ctx, environ, out)
	default:
		return fmt.Errorf("unknown command %q: %s", args[0], known)
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
	calls, err := listen(log, "grpc", cfg.GRPCAddress)
	if err != nil {
		return err
	}
	requests, err := listen(log, "http", cfg.HTTPAddress)
	if err != nil {
		return err
	}
	server := rpc.New(log, cfg.Callers, func(r grpc.ServiceRegistrar) {
		pb.RegisterOrdersServiceServer(r, service.New(db))
	})
	probes := probe.New(log, db.Ready)
	probes.Handle("/", server.JSON)
	return lifecycle.Run(ctx, log, cfg.DrainTimeout,
		lifecycle.Part{Name: "readiness", Stop: func(context.Context) error { probes.Drain(); server.Drain(); return nil }},
		lifecycle.Wait(time.Duration(cfg.DrainDelay)),
		server.Part(calls),
		probes.Part(requests),
		lifecycle.Part{Name: "database", Stop: func(context.Context) error { db.Close(); return nil }},
	)
}

func dispatch(ctx context.Context, environ []string, out io.Writer) error {
	cfg, err := settings.Load[config.Dispatch](environ)
	if err != nil {
		return err
	}
	log := logger(out, cfg.LogLevel)
	db, err := store.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	requests, err := listen(log, "http", cfg.HTTPAddress)
	if err != nil {
		return err
	}
	dispatcher := &outbox.Dispatcher{
		Queue: db,
		Publisher: outbox.NewHTTPPublisher(
			// The dispatcher says how long.
			credentials.Client(cfg.ServiceToken, 0), string(cfg.EventsURL), "/domain/orders"),
		Log:       log,
		Interval:  cfg.PollInterval,
		Retention: cfg.Retention,
	}
	probes := probe.New(log, db.Ready)
	return lifecycle.Run(ctx, log, cfg.DrainTimeout,
		lifecycle.Part{Name: "readiness", Stop: func(context.Context) error { probes.Drain(); return nil }},
		dispatcherPart(dispatcher),
		probes.Part(requests),
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

// events lists the events that could not be delivered, decides on one of them, or has all delivered again.
func events(ctx context.Context, args, environ []string, out io.Writer) error {
	cfg, err := settings.Load[config.Database](environ)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	switch {
	case len(args) == 1 && args[0] == "list":
		stuck, err := db.StuckEvents(ctx)
		for _, event := range stuck {
			err = errors.Join(err, json.NewEncoder(out).Encode(event))
		}
		return err
	case len(args) == 2 && args[0] == "retry":
		return db.RetryEvent(ctx, args[1])
	case len(args) == 2 && args[0] == "give-up":
		return db.GiveUpEvent(ctx, args[1])
	case len(args) == 1 && args[0] == "replay":
		count, err := db.Replay(ctx)
		logger(out, slog.LevelInfo).Info("replay", "events", count)
		return err
	default:
		return fmt.Errorf("events %q is unknown: list, retry ID, give-up ID, replay", args)
	}
}

func dispatcherPart(dispatcher *outbox.Dispatcher) lifecycle.Part {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	return lifecycle.Part{
		Name: "dispatcher",
		Run:  func() error { defer close(done); dispatcher.Run(ctx); return nil },
		Stop: func(stopping context.Context) error {
			cancel()
			select {
			case <-done:
				return nil
			case <-stopping.Done():
				return stopping.Err()
			}
		},
	}
}

func listen(log *slog.Logger, what, address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	log.Info("listening", "server", what, "address", listener.Addr().String())
	return listener, nil
}

func logger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))
}
