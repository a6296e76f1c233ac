package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const maxRequest = 1 << 20

// codeOf maps gRPC codes to the names and HTTP statuses of the Connect protocol; all others are unknown, 500.
var codeOf = map[codes.Code]struct {
	name   string
	status int
}{
	codes.Canceled:           {"canceled", 499},
	codes.InvalidArgument:    {"invalid_argument", http.StatusBadRequest},
	codes.DeadlineExceeded:   {"deadline_exceeded", http.StatusGatewayTimeout},
	codes.NotFound:           {"not_found", http.StatusNotFound},
	codes.AlreadyExists:      {"already_exists", http.StatusConflict},
	codes.PermissionDenied:   {"permission_denied", http.StatusForbidden},
	codes.ResourceExhausted:  {"resource_exhausted", http.StatusTooManyRequests},
	codes.FailedPrecondition: {"failed_precondition", http.StatusBadRequest},
	codes.Aborted:            {"aborted", http.StatusConflict},
	codes.OutOfRange:         {"out_of_range", http.StatusBadRequest},
	codes.Unimplemented:      {"unimplemented", http.StatusNotImplemented},
	codes.Internal:           {"internal", http.StatusInternalServerError},
	codes.Unavailable:        {"unavailable", http.StatusServiceUnavailable},
	codes.DataLoss:           {"data_loss", http.StatusInternalServerError},
	codes.Unauthenticated:    {"unauthenticated", http.StatusUnauthorized},
}

var (
	errTooLarge = status.Error(codes.ResourceExhausted, "the request is too large")
	errBroken   = status.Error(codes.Canceled, "the request body is incomplete")
)

// answerJSON serves one unary method by the Connect protocol with JSON, for callers without stubs. Headers become
// metadata, and intercept runs as for gRPC. The body is read only after intercept has authenticated the caller.
func answerJSON(handle grpc.MethodHandler, service any, intercept grpc.UnaryServerInterceptor) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if content, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); content != "application/json" {
			w.Header().Set("Accept-Post", "application/json")
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		md := metadata.MD{}
		for name, values := range r.Header {
			md[strings.ToLower(name)] = values
		}
		read := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			return intercept(ctx, req, info, func(ctx context.Context, req any) (any, error) {
				if err := decodeJSON(http.MaxBytesReader(w, r.Body, maxRequest), req.(proto.Message)); err != nil {
					return nil, err
				}
				return checked(ctx, req, info, handle)
			})
		}
		later := func(any) error { return nil }
		resp, err := handle(service, metadata.NewIncomingContext(r.Context(), md), later, read)
		var body []byte
		if err == nil {
			body, err = protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(resp.(proto.Message))
		}
		code := http.StatusOK
		if err != nil {
			known, ok := codeOf[status.Code(err)]
			if !ok {
				known.name, known.status = "unknown", http.StatusInternalServerError
			}
			switch code = known.status; err {
			case errTooLarge:
				code = http.StatusRequestEntityTooLarge
			case errBroken:
				code = http.StatusRequestTimeout
			}
			body, _ = json.Marshal(map[string]string{"code": known.name, "message": status.Convert(err).Message()})
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		// The caller may have disconnected.
		_, _ = w.Write(body)
	})
}

func decodeJSON(from io.Reader, req proto.Message) error {
	body, err := io.ReadAll(from)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return errTooLarge
	}
	if err != nil {
		return errBroken
	}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(body, req); err != nil {
		return status.Error(codes.InvalidArgument, "the request is not valid JSON for "+string(req.ProtoReflect().Descriptor().FullName()))
	}
	return nil
}
