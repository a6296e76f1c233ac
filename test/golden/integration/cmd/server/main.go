// Command server offers the tools of orders to agents: serve over HTTP, stdio to the process that started it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/acme/app/primitives/integration/orders/internal/backend"
	"github.com/acme/app/primitives/integration/orders/internal/caller"
	"github.com/acme/app/primitives/integration/orders/internal/config"
	"github.com/acme/app/primitives/integration/orders/internal/credentials"
	"github.com/acme/app/primitives/integration/orders/internal/lifecycle"
	"github.com/acme/app/primitives/integration/orders/internal/probe"
	"github.com/acme/app/primitives/integration/orders/internal/settings"
	"github.com/acme/app/primitives/integration/orders/internal/token"
	"github.com/acme/app/primitives/integration/orders/internal/tools"
	"github.com/acme/app/primitives/integration/orders/internal/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:], os.Environ(), streams{os.Stdin, os.Stdout, os.Stderr}); err != nil {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("failed", "error", err)
		os.Exit(1)
	}
}

// streams are those of a process.
type streams struct {
	in  io.ReadCloser
	out io.WriteCloser
	err io.Writer
}

// run runs one process until it is done or ctx ends.
func run(ctx context.Context, args, environ []string, std streams) error {
	if len(args) != 1 {
		return fmt.Errorf("one command is needed, got %q: serve or stdio", args)
	}
	switch args[0] {
	case "serve":
		return serve(ctx, environ, std)
	case "stdio":
		return stdio(ctx, environ, std)
	default:
		return fmt.Errorf("unknown command %q: serve or stdio", args[0])
	}
}

func serve(ctx context.Context, environ []string, std streams) error {
	cfg, err := settings.Load[config.Serve](environ)
	if err != nil {
		return err
	}
	log := logger(std.out, cfg.LogLevel)
	listener, err := net.Listen("tcp", cfg.HTTPAddress)
	if err != nil {
		return err
	}
	log.Info("listening", "server", "http", "address", listener.Addr().String())
	services := connect(cfg.Backend)
	tokens := token.New(log, token.Settings{
		Issuer: string(cfg.IssuerURL), Audience: cfg.Resource.String(),
		TenantClaim: cfg.TenantClaim, Keys: cfg.Keys.Keys,
	})
	probes := probe.New(log, tokens.Ready)
	web.Endpoint{
		Resource: cfg.Resource.URL,
		Issuer:   string(cfg.IssuerURL),
		Origins:  cfg.AllowedOrigins,
		Verify:   tokens.Verify,
		Services: cfg.Services,
		Server:   tools.New(log, services, web.Caller),
		Log:      log,
	}.Register(probes.ServeMux)
	return lifecycle.Run(ctx, log, cfg.DrainTimeout,
		lifecycle.Part{Name: "readiness", Stop: func(context.Context) error { probes.Drain(); return nil }},
		lifecycle.Wait(time.Duration(cfg.DrainDelay)),
		probes.Part(listener),
	)
}

// stdio speaks MCP on standard input and output until the input ends; logs go to standard error alone.
func stdio(ctx context.Context, environ []string, std streams) error {
	cfg, err := settings.Load[config.Stdio](environ)
	if err != nil {
		return err
	}
	from := caller.Caller{Tenant: string(cfg.Tenant), Subject: string(cfg.Subject)}
	identify := func(*mcp.RequestExtra) (caller.Caller, error) { return from, nil }
	services := connect(cfg.Backend)
	server := tools.New(logger(std.err, cfg.LogLevel), services, identify)
	err = server.Run(ctx, &mcp.IOTransport{Reader: std.in, Writer: std.out})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// callTimeout is for one call of a service.
const callTimeout = 10 * time.Second

func connect(cfg config.Backend) *backend.Backend {
	client := credentials.Client(cfg.ServiceToken, callTimeout)
	return backend.New(client, string(cfg.QueryURL), string(cfg.RequestURL))
}

func logger(out io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))
}
