package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"

	"example.com/service/internal/platform/caller"
	"example.com/service/internal/platform/credentials"
	"example.com/service/internal/platform/telemetry"
)

// callTimeout limits a unary call, even if its caller would wait longer. Streams have no limit.
const callTimeout = 20 * time.Second

// unary adds the caller and a deadline to a call, logs it, and hides internal errors from the caller.
func unary(log *slog.Logger, identify identifier) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (resp any, err error) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		ctx, err = identify(ctx, info.FullMethod)
		if err == nil {
			resp, err = recovered(ctx, log, func() (any, error) { return handle(ctx, req) })
		}
		shown := public(err)
		logCall(ctx, log, info.FullMethod, start, status.Code(shown), err)
		return resp, shown
	}
}

// checked is the last interceptor of a call; it validates the decoded request.
func checked(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if err := checkText(req); err != nil {
		return nil, err
	}
	return handle(ctx, req)
}

// stream is unary for streams. Health streams end when the server stops, or it would wait for their watchers.
func stream(stopping context.Context, log *slog.Logger, identify identifier) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
		start := time.Now()
		ctx, cancel := context.WithCancel(stream.Context())
		defer cancel()
		if isOwn(info.FullMethod) {
			defer context.AfterFunc(stopping, cancel)()
		}
		ctx, err := identify(ctx, info.FullMethod)
		if err == nil {
			err = handle(srv, identifiedStream{stream, ctx})
		}
		shown := public(err)
		logCall(ctx, log, info.FullMethod, start, status.Code(shown), err)
		return shown
	}
}

type identifiedStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s identifiedStream) Context() context.Context { return s.ctx }

func (s identifiedStream) RecvMsg(message any) error {
	if err := s.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	return checkText(message)
}

// checkText rejects strings that Postgres cannot store as text.
func checkText(message any) error {
	if m, ok := message.(proto.Message); ok {
		return protorange.Range(m.ProtoReflect(), func(path protopath.Values) error {
			if text, ok := path.Index(-1).Value.Interface().(string); ok && strings.Contains(text, "\x00") {
				return status.Errorf(codes.InvalidArgument, "%s has a NUL character", path.Path[1:])
			}
			return nil
		})
	}
	return nil
}

// public returns the error that is sent to the caller: a status as it is, a generic one for all others. An error that
// wraps a status is internal, since the status may come from another service.
func public(err error) error {
	_, chosen := err.(interface{ GRPCStatus() *status.Status })
	switch {
	case err == nil || chosen:
		return err
	case errors.Is(err, errUnauthenticated):
		return status.Error(codes.Unauthenticated, errUnauthenticated.Error())
	case errors.Is(err, errUnchecked):
		return status.Error(codes.Unavailable, errUnchecked.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, "the call took too long")
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, "the call was canceled")
	case isAway(err):
		return status.Error(codes.Unavailable, "a dependency is unavailable")
	default:
		return status.Error(codes.Internal, "internal error")
	}
}

// isAway reports whether an error is that of a dependency, such as the database, which is away or refuses connections for now.
// The same call may succeed later.
func isAway(err error) bool {
	if _, network := errors.AsType[net.Error](err); network || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	refused, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	// Classes of SQLSTATE: connection exception, insufficient resources, operator intervention such as a shutdown.
	return ok && slices.Contains([]string{"08", "53", "57"}, refused.SQLState()[:min(2, len(refused.SQLState()))])
}

// logCall logs calls of health and reflection at debug level, unless they fail: probes make many.
func logCall(ctx context.Context, log *slog.Logger, method string, start time.Time, code codes.Code, err error) {
	level := slog.LevelInfo
	switch {
	case code == codes.Internal || code == codes.Unknown || code == codes.DataLoss || code == codes.Unavailable:
		level = slog.LevelError
	case isOwn(method):
		level = slog.LevelDebug
	}
	attributes := append(caller.From(ctx).LogAttrs(),
		slog.String("method", method),
		slog.String("code", code.String()),
		slog.Duration("duration", time.Since(start)))
	if err != nil {
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	log.LogAttrs(ctx, level, "call", attributes...)
}

func recovered(ctx context.Context, log *slog.Logger, handle func() (any, error)) (resp any, err error) {
	defer recoverCall(ctx, log, &err)
	return handle()
}

func recoverStream(log *slog.Logger) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
		defer recoverCall(stream.Context(), log, &err)
		return handle(srv, stream)
	}
}

// recoverCall turns a panic into an error of this call; the cause is only logged.
func recoverCall(ctx context.Context, log *slog.Logger, err *error) {
	if cause := recover(); cause != nil {
		log.ErrorContext(ctx, "panic", "cause", cause, "stack", string(debug.Stack()))
		*err = errors.New("panic")
	}
}

var (
	errUnauthenticated = errors.New("missing or invalid token")
	errUnchecked       = errors.New("cannot authenticate the call")
)

// identifier authenticates the service that calls a method, and adds the caller to the context.
type identifier func(ctx context.Context, method string) (context.Context, error)

// identify returns an identifier. The tenant and subject that an accepted service sends are trusted; calls without a token have
// the tenant of anyone.
func identify(callers credentials.Callers) identifier {
	return func(ctx context.Context, method string) (context.Context, error) {
		// Anybody may ask for health; the caller of a request over HTTP is known already.
		if strings.HasPrefix(method, "/grpc.health.") || caller.From(ctx).Tenant != "" {
			return ctx, nil
		}
		md, _ := metadata.FromIncomingContext(ctx)
		service, err := callers.Check(ctx, first(md, "authorization"))
		if errors.Is(err, credentials.ErrNotAccepted) {
			return ctx, fmt.Errorf("%w: %w", errUnauthenticated, err)
		}
		if err != nil {
			return ctx, fmt.Errorf("%w: ACCEPT_CALLERS: %w", errUnchecked, err)
		}
		ctx = telemetry.WithService(ctx, service)
		// Reflection is for services, and has no tenant.
		if isOwn(method) {
			return ctx, nil
		}
		tenant, subject := md.Get("tenant-id"), first(md, "subject-id")
		if len(tenant) != 1 || !caller.IsName(tenant[0]) {
			return ctx, status.Error(codes.InvalidArgument, "metadata tenant-id must be set once, with 1 to 200 visible characters")
		}
		if !callers.MayName(tenant[0]) {
			return ctx, status.Error(codes.PermissionDenied, "metadata tenant-id is not the tenant of calls without a token")
		}
		if subject != "" && !caller.IsName(subject) {
			return ctx, status.Error(codes.InvalidArgument, "metadata subject-id must be 1 to 200 visible characters")
		}
		parent, state := caller.Trace(first(md, "traceparent"), strings.Join(md.Get("tracestate"), ","))
		request := first(md, "request-id")
		if request != "" && !caller.IsName(request) {
			return ctx, status.Error(codes.InvalidArgument, "metadata request-id must be 1 to 200 visible characters")
		}
		from := caller.Caller{Tenant: tenant[0], Subject: subject, TraceParent: parent, TraceState: state, Request: request}
		return caller.With(ctx, from.In(ctx)), nil
	}
}

func first(md metadata.MD, name string) string {
	if values := md.Get(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// isOwn reports whether a method belongs to health or reflection.
func isOwn(method string) bool { return strings.HasPrefix(method, "/grpc.") }
