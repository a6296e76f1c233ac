package rpc

import (
	"context"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/acme/app/primitives/domain/orders/internal/caller"
)

func logUnary(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		start := time.Now()
		resp, err := handle(ctx, req)
		logCall(ctx, log, info.FullMethod, start, err)
		return resp, err
	}
}

func logStream(log *slog.Logger) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
		start := time.Now()
		err := handle(srv, stream)
		logCall(stream.Context(), log, info.FullMethod, start, err)
		return err
	}
}

// logCall leaves the server's own calls out, of which probes make many, unless they fail.
func logCall(ctx context.Context, log *slog.Logger, method string, start time.Time, err error) {
	level := slog.LevelInfo
	switch code := status.Code(err); {
	case code == codes.Internal || code == codes.Unknown || code == codes.DataLoss:
		level = slog.LevelError
	case isOwn(method):
		level = slog.LevelDebug
	}
	attributes := []slog.Attr{
		slog.String("method", method),
		slog.String("code", status.Code(err).String()),
		slog.Duration("duration", time.Since(start)),
	}
	if err != nil {
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	log.LogAttrs(ctx, level, "call", attributes...)
}

func recoverUnary(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (resp any, err error) {
		defer recoverCall(ctx, log, &err)
		return handle(ctx, req)
	}
}

func recoverStream(log *slog.Logger) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
		defer recoverCall(stream.Context(), log, &err)
		return handle(srv, stream)
	}
}

// recoverCall turns a panic into an error of this one call; what it says stays in the log.
func recoverCall(ctx context.Context, log *slog.Logger, err *error) {
	if cause := recover(); cause != nil {
		log.ErrorContext(ctx, "panic", "cause", cause, "stack", string(debug.Stack()))
		*err = status.Error(codes.Internal, "internal error")
	}
}

func identifyUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	ctx, err := identify(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handle(ctx, req)
}

func identifyStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	ctx, err := identify(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return handle(srv, identifiedStream{stream, ctx})
}

type identifiedStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s identifiedStream) Context() context.Context { return s.ctx }

// identify puts the caller into the context. Whoever lets calls in from outside has to have checked the tenant.
func identify(ctx context.Context, method string) (context.Context, error) {
	if isOwn(method) {
		return ctx, nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	tenant := md.Get("tenant-id")
	if len(tenant) != 1 || tenant[0] == "" {
		return nil, status.Error(codes.InvalidArgument, "metadata tenant-id must be given once")
	}
	parent, state := caller.Trace(first(md, "traceparent"), strings.Join(md.Get("tracestate"), ","))
	return caller.With(ctx, caller.Caller{Tenant: tenant[0], TraceParent: parent, TraceState: state}), nil
}

func first(md metadata.MD, name string) string {
	if values := md.Get(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// isOwn tells health and reflection from the service.
func isOwn(method string) bool { return strings.HasPrefix(method, "/grpc.") }
