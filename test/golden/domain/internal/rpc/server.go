// Package rpc is the gRPC server around the service: health, reflection, and what happens to every call.
package rpc

import (
	"context"
	"log/slog"

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
}

// New returns a server with the services that register adds to it, all of them reported as serving.
func New(log *slog.Logger, register func(grpc.ServiceRegistrar)) *Server {
	s := &Server{
		Server: grpc.NewServer(
			grpc.ChainUnaryInterceptor(logUnary(log), recoverUnary(log), identifyUnary),
			grpc.ChainStreamInterceptor(logStream(log), recoverStream(log), identifyStream),
		),
		health: health.NewServer(),
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

// Part is the server on its listener, as a part of the process: calls in flight are finished while there is time.
func (s *Server) Part(serve func() error) lifecycle.Part {
	return lifecycle.Part{Name: "grpc", Run: serve, Stop: func(ctx context.Context) error {
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
