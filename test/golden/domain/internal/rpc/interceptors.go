package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"

	"github.com/acme/app/primitives/domain/orders/internal/caller"
	"github.com/acme/app/primitives/domain/orders/internal/credentials"
)

// callTimeout is for one call, also where its caller would wait longer. Streams have none.
const callTimeout = 20 * time.Second

// unary gives a call its caller and a deadline, logs it, and keeps to this process what went wrong inside.
func unary(log *slog.Logger, callers credentials.Callers) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (resp any, err error) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		ctx, err = identify(ctx, info.FullMethod, callers)
		if err == nil {
			resp, err = recovered(ctx, log, func() (any, error) { return handle(ctx, req) })
		}
		told := public(err)
		logCall(ctx, log, info.FullMethod, start, status.Code(told), err)
		return resp, told
	}
}

// checked is the last interceptor of a call, once its request was read.
func checked(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if err := checkText(req); err != nil {
		return nil, err
	}
	return handle(ctx, req)
}

// stream does what unary does for streams. Those of health end with the server, or it would wait for their watchers.
func stream(stopping context.Context, log *slog.Logger, callers credentials.Callers) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
		start := time.Now()
		ctx, cancel := context.WithCancel(stream.Context())
		defer cancel()
		if isOwn(info.FullMethod) {
			defer context.AfterFunc(stopping, cancel)()
		}
		ctx, err := identify(ctx, info.FullMethod, callers)
		if err == nil {
			err = handle(srv, identifiedStream{stream, ctx})
		}
		told := public(err)
		logCall(ctx, log, info.FullMethod, start, status.Code(told), err)
		return told
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

// checkText refuses what Postgres cannot keep as text.
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

// public is what a caller learns of an error: a status says what was meant for them, all else is for the log alone. So
// is an error around a status, which may be what a service behind this one has said.
func public(err error) error {
	_, chosen := err.(interface{ GRPCStatus() *status.Status })
	switch {
	case err == nil || chosen:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, "the call took too long")
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, "the call was canceled")
	default:
		return status.Error(codes.Internal, "internal error")
	}
}

// logCall leaves the server's own calls out, of which probes make many, unless they fail.
func logCall(ctx context.Context, log *slog.Logger, method string, start time.Time, code codes.Code, err error) {
	level := slog.LevelInfo
	switch {
	case code == codes.Internal || code == codes.Unknown || code == codes.DataLoss:
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

// recoverCall turns a panic into an error of this one call; what it says stays in the log.
func recoverCall(ctx context.Context, log *slog.Logger, err *error) {
	if cause := recover(); cause != nil {
		log.ErrorContext(ctx, "panic", "cause", cause, "stack", string(debug.Stack()))
		*err = errors.New("panic")
	}
}

// identify puts the caller into the context. A caller that is accepted has to have checked tenant and subject.
func identify(ctx context.Context, method string, callers credentials.Callers) (context.Context, error) {
	if isOwn(method) {
		return ctx, nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	err := callers.Check(first(md, "authorization"))
	if errors.Is(err, credentials.ErrNotAccepted) {
		return ctx, status.Error(codes.Unauthenticated, "an accepted token is needed")
	}
	if err != nil {
		return ctx, fmt.Errorf("ACCEPT_CALLERS: %w", err)
	}
	tenant, subject := md.Get("tenant-id"), first(md, "subject-id")
	if len(tenant) != 1 || !caller.IsName(tenant[0]) {
		return ctx, status.Error(codes.InvalidArgument, "metadata tenant-id must be given once, as 1 to 200 visible characters")
	}
	if subject != "" && !caller.IsName(subject) {
		return ctx, status.Error(codes.InvalidArgument, "metadata subject-id must be 1 to 200 visible characters")
	}
	parent, state := caller.Trace(first(md, "traceparent"), strings.Join(md.Get("tracestate"), ","))
	return caller.With(ctx, caller.Caller{Tenant: tenant[0], Subject: subject, TraceParent: parent, TraceState: state}), nil
}

func first(md metadata.MD, name string) string {
	if values := md.Get(name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// isOwn tells health and reflection apart from the service.
func isOwn(method string) bool { return strings.HasPrefix(method, "/grpc.") }
