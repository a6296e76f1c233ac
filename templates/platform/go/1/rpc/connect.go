package rpc

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// maxRequest limits a request over HTTP, in bytes, after decompression.
const maxRequest = 1 << 20

// connectMethod serves one unary method by the Connect protocol, with JSON and protobuf, for callers without gRPC. Headers
// become metadata, and intercept runs as for gRPC.
func connectMethod(procedure string, handle grpc.MethodHandler, service any, intercept grpc.UnaryServerInterceptor) http.Handler {
	return connect.NewUnaryHandler(procedure,
		func(ctx context.Context, request *connect.Request[message]) (*connect.Response[message], error) {
			// The request is decoded once its type is known, after intercept has let it in.
			read := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
				return intercept(ctx, req, info, func(ctx context.Context, req any) (any, error) {
					if err := request.Msg.decode(req.(proto.Message)); err != nil {
						return nil, err
					}
					return checked(ctx, req, info, next)
				})
			}
			resp, err := handle(service, ctx, func(any) error { return nil }, read)
			if err != nil {
				return nil, connectError(err)
			}
			return connect.NewResponse(&message{known: resp.(proto.Message)}), nil
		},
		connect.WithCodec(codec{"proto", "proto"}), connect.WithCodec(codec{"json", "JSON"}),
		connect.WithCodec(codec{"json; charset=utf-8", "JSON"}),
		connect.WithReadMaxBytes(maxRequest),
	)
}

// authenticated lets in requests of accepted callers, before their body is read.
func authenticated(log *slog.Logger, identify identifier, next http.Handler) http.Handler {
	refuse := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		md := metadata.MD{}
		for name, values := range r.Header {
			md[strings.ToLower(name)] = values
		}
		ctx, err := identify(metadata.NewIncomingContext(r.Context(), md), r.URL.Path)
		if err != nil {
			shown := public(err)
			logCall(ctx, log, r.URL.Path, start, status.Code(shown), err)
			// A caller that has gone does not read it.
			_ = refuse.Write(w, r, connectError(shown))
			return
		}
		if r.ContentLength > maxRequest {
			http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// connectError returns a gRPC status as an error of the Connect protocol, with its details. The codes are the same.
func connectError(err error) error {
	known := status.Convert(err)
	failure := connect.NewError(connect.Code(known.Code()), fmt.Errorf("%s", known.Message()))
	for _, detail := range known.Proto().GetDetails() {
		if wrapped, err := connect.NewErrorDetail(detail); err == nil {
			failure.AddDetail(wrapped)
		}
	}
	return failure
}

// message is a message whose type only its method knows: a known one to send, or the bytes of a received one.
type message struct {
	known proto.Message
	codec codec
	bytes []byte
}

func (m *message) decode(into proto.Message) error {
	if err := m.codec.decode(m.bytes, into); err != nil {
		return status.Errorf(codes.InvalidArgument, "the request is not valid %s for %s", m.codec.format, into.ProtoReflect().Descriptor().FullName())
	}
	return nil
}

// codec implements [connect.Codec] for a message of any type. Its name is a part of the content type.
type codec struct{ name, format string }

func (c codec) Name() string { return c.name }

func (c codec) Marshal(value any) ([]byte, error) {
	switch value := value.(type) {
	case *message:
		return c.Marshal(value.known)
	case proto.Message:
		if c.format == "JSON" {
			return protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(value)
		}
		return proto.Marshal(value)
	}
	return nil, fmt.Errorf("%T is not a message", value)
}

func (c codec) Unmarshal(data []byte, into any) error {
	received, ok := into.(*message)
	if !ok {
		return fmt.Errorf("%T is not a message", into)
	}
	// The buffer is used again.
	received.codec, received.bytes = c, bytes.Clone(data)
	return nil
}

func (c codec) decode(data []byte, into proto.Message) error {
	if c.format == "JSON" {
		return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, into)
	}
	return proto.Unmarshal(data, into)
}
