// Package rpc serves the service over gRPC, and over HTTP by the Connect protocol, with health, reflection and the interceptors of all
// calls.
package rpc

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/stats"

	"example.com/service/internal/platform/credentials"
	"example.com/service/internal/platform/lifecycle"
	"example.com/service/internal/platform/telemetry"
)

// Server is a gRPC server. Use [New].
type Server struct {
	*grpc.Server
	// HTTP serves the unary methods by the Connect protocol.
	HTTP     *http.ServeMux
	health   *health.Server
	log      *slog.Logger
	identify identifier
	// stop ends health streams, which would block a graceful stop.
	stop context.CancelFunc
}

// New returns a server with the services that register adds. Health reports all of them as serving.
func New(log *slog.Logger, callers credentials.Callers, register func(grpc.ServiceRegistrar)) *Server {
	stopping, stop := context.WithCancel(context.Background())
	identify := identify(callers)
	s := &Server{
		Server: grpc.NewServer(
			grpc.StatsHandler(otelgrpc.NewServerHandler(otelgrpc.WithFilter(isRecorded))),
			grpc.ChainUnaryInterceptor(unary(log, identify), checked),
			grpc.ChainStreamInterceptor(stream(stopping, log, identify), recoverStream(log)),
		),
		HTTP:     http.NewServeMux(),
		health:   health.NewServer(),
		log:      log,
		identify: identify,
		stop:     stop,
	}
	register(s)
	for name := range s.GetServiceInfo() {
		s.health.SetServingStatus(name, grpc_health_v1.HealthCheckResponse_SERVING)
	}
	grpc_health_v1.RegisterHealthServer(s.Server, s.health)
	if err := registerOptions(); err != nil {
		log.Error("reflection does not have the options of events", "error", err)
	}
	reflection.Register(s.Server)
	return s
}

// isRecorded reports whether a call is a part of the telemetry; probes are not.
func isRecorded(call *stats.RPCTagInfo) bool {
	return telemetry.Recording() && !isOwn(call.FullMethodName)
}

// RegisterService implements grpc.ServiceRegistrar.
func (s *Server) RegisterService(service *grpc.ServiceDesc, implementation any) {
	s.Server.RegisterService(service, implementation)
	for _, method := range service.Methods {
		procedure := "/" + service.ServiceName + "/" + method.MethodName
		handler := connectMethod(procedure, method.Handler, implementation, unary(s.log, s.identify))
		s.HTTP.Handle("POST "+procedure, authenticated(s.log, s.identify, handler))
	}
}

// Drain permanently reports all services as not serving.
func (s *Server) Drain() { s.health.Shutdown() }

// Part returns the server on a listener as a part of the process. On stop it finishes calls in flight until the deadline.
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
