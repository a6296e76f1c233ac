// Package rpc is the gRPC server around the service: health, reflection, and what happens to every call.
package rpc

import (
	"context"
	"log/slog"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/acme/app/primitives/domain/orders/internal/lifecycle"
)

// Server is a gRPC server. Use [New].
type Server struct {
	*grpc.Server
	health *health.Server
	// stop ends what would keep the server from stopping.
	stop context.CancelFunc
}

// New returns a server with the services that register adds to it, all of them reported as serving.
func New(log *slog.Logger, register func(grpc.ServiceRegistrar)) *Server {
	stopping, stop := context.WithCancel(context.Background())
	s := &Server{
		Server: grpc.NewServer(
			grpc.ChainUnaryInterceptor(unary(log), recoverUnary(log)),
			grpc.ChainStreamInterceptor(stream(stopping, log), recoverStream(log)),
		),
		health: health.NewServer(),
		stop:   stop,
	}
	register(s)
	for name := range s.GetServiceInfo() {
		s.health.SetServingStatus(name, grpc_health_v1.HealthCheckResponse_SERVING)
	}
	grpc_health_v1.RegisterHealthServer(s, s.health)
	reflection.Register(s)
	return s
}

// Drain reports all services as not serving, for good.
func (s *Server) Drain() { s.health.Shutdown() }

// Part is the server on a listener, as a part of the process: calls in flight are finished while there is time.
func (s *Server) Part(listener net.Listener) lifecycle.Part {
	return lifecycle.Part{Name: "grpc", Run: func() error { return s.Serve(listener) }, Stop: func(ctx context.Context) error {
		s.stop()
		done := make(chan struct{})
		go func() { s.GracefulStop(); close(done) }()
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			s.Stop()
			return ctx.Err()
		}
	}}
}
