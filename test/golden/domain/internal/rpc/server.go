// Package rpc is the server around the service, for gRPC and for JSON over HTTP: health, reflection, and what happens to
// every call.
package rpc

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/acme/app/primitives/domain/orders/internal/credentials"
	"github.com/acme/app/primitives/domain/orders/internal/lifecycle"
)

// Server is a gRPC server. Use [New].
type Server struct {
	*grpc.Server
	// JSON answers the same calls over HTTP.
	JSON   *http.ServeMux
	health *health.Server
	unary  grpc.UnaryServerInterceptor
	// stop ends what would keep the server from stopping.
	stop context.CancelFunc
}

// New returns a server with the services that register adds to it, all of them reported as serving.
func New(log *slog.Logger, callers credentials.Callers, register func(grpc.ServiceRegistrar)) *Server {
	stopping, stop := context.WithCancel(context.Background())
	unary := unary(log, callers)
	s := &Server{
		Server: grpc.NewServer(
			grpc.ChainUnaryInterceptor(unary, checked),
			grpc.ChainStreamInterceptor(stream(stopping, log, callers), recoverStream(log)),
		),
		JSON:   http.NewServeMux(),
		health: health.NewServer(),
		unary:  unary,
		stop:   stop,
	}
	register(s)
	for name := range s.GetServiceInfo() {
		s.health.SetServingStatus(name, grpc_health_v1.HealthCheckResponse_SERVING)
	}
	grpc_health_v1.RegisterHealthServer(s.Server, s.health)
	reflection.Register(s.Server)
	return s
}

// RegisterService implements grpc.ServiceRegistrar.
func (s *Server) RegisterService(service *grpc.ServiceDesc, implementation any) {
	s.Server.RegisterService(service, implementation)
	for _, method := range service.Methods {
		s.JSON.Handle("POST /"+service.ServiceName+"/"+method.MethodName, answerJSON(method.Handler, implementation, s.unary))
	}
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
