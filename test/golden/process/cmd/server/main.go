// Command server is all processes of orders: serve does jobs and takes in messages, deploy brings the model to the engine.
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

	"github.com/acme/app/primitives/process/orders/bpmn"
	"github.com/acme/app/primitives/process/orders/internal/config"
	"github.com/acme/app/primitives/process/orders/internal/credentials"
	"github.com/acme/app/primitives/process/orders/internal/engine"
	"github.com/acme/app/primitives/process/orders/internal/gen/model"
	"github.com/acme/app/primitives/process/orders/internal/handlers"
	"github.com/acme/app/primitives/process/orders/internal/lifecycle"
	"github.com/acme/app/primitives/process/orders/internal/messages"
	"github.com/acme/app/primitives/process/orders/internal/probe"
	"github.com/acme/app/primitives/process/orders/internal/work"
	"github.com/acme/app/primitives/process/orders/internal/worker"
	"github.com/acme/app/primitives/process/orders/internal/zeebe"
)

// workTimeout is for one request for work.
const workTimeout = 10 * time.Second

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
	if len(args) != 1 {
		return fmt.Errorf("one command is needed, got %q: serve or deploy", args)
	}
	switch args[0] {
	case "serve":
		return serve(ctx, environ, out)
	case "deploy":
		return deploy(ctx, environ, out)
	default:
		return fmt.Errorf("unknown command %q: serve or deploy", args[0])
	}
}

func serve(ctx context.Context, environ []string, out io.Writer) error {
	cfg, err := config.LoadServe(environ)
	if err != nil {
		return err
	}
	service := work.NewHTTP(&cfg.WorkURL.URL, credentials.Client(cfg.ServiceToken, workTimeout))
	registry, err := handlers.New(service).Registry()
	if err != nil {
		return err
	}
	return do(ctx, cfg, registry, out)
}

// do does the jobs of a registry, and takes in messages.
func do(ctx context.Context, cfg config.Serve, registry map[string]engine.Handler, out io.Writer) error {
	log := logger(out, cfg.LogLevel)
	listener, err := net.Listen("tcp", cfg.HTTPAddress)
	if err != nil {
		return err
	}
	log.Info("listening", "server", "http", "address", listener.Addr().String())
	client := connect(cfg.Engine)
	probes := probe.New(log, client.Ready)
	probes.Handle("POST /v1/messages/{name}", cfg.Callers.Only(log, messages.Handler(log, client, messages.Settings{
		TTL: cfg.MessageTTL, Tenants: cfg.Tenants,
	}, model.Messages())))
	jobs := worker.New(client, registry, log, worker.Settings{
		Name: "process-orders", Tenants: cfg.Tenants, MaxJobs: int(cfg.MaxJobs),
		JobTimeout: cfg.JobTimeout, RetryBackoff: cfg.RetryBackoff,
		// Stopping waits for a request for jobs that is under way.
		PollWait: min(20*time.Second, (cfg.DrainTimeout-time.Duration(cfg.DrainDelay))/4),
	})
	return lifecycle.Run(ctx, log, cfg.DrainTimeout,
		lifecycle.Part{Name: "readiness", Stop: func(context.Context) error { probes.Drain(); return nil }},
		lifecycle.Wait(time.Duration(cfg.DrainDelay)),
		lifecycle.Part{Name: "worker", Run: jobs.Run, Stop: jobs.Stop},
		probes.Part(listener),
	)
}

func deploy(ctx context.Context, environ []string, out io.Writer) error {
	cfg, err := config.LoadDeploy(environ)
	if err != nil {
		return err
	}
	log := logger(out, slog.LevelInfo)
	tenants := cfg.Tenants
	if len(tenants) == 0 {
		tenants = []string{""}
	}
	for _, tenant := range tenants {
		if err := connect(cfg.Engine).Deploy(ctx, tenant, bpmn.FileName, bpmn.Process); err != nil {
			return err
		}
		log.Info("deployed", "processes", model.ProcessIDs(), "tenant", tenant, "digest", model.Digest)
	}
	return nil
}

func connect(cfg config.Engine) *zeebe.Client {
	var transport http.RoundTripper = http.DefaultTransport
	switch cfg.Auth {
	case "basic":
		transport = zeebe.Basic(cfg.Basic.Username, cfg.Basic.Password, transport)
	case "oauth":
		oauth := cfg.OAuth
		transport = zeebe.OAuth(oauth.TokenURL.String(), oauth.ClientID, oauth.ClientSecret, oauth.Audience, transport)
	}
	return zeebe.New(&cfg.URL.URL, transport)
}

func logger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))
}
