package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"example.com/service/internal/platform/caller"
	"example.com/service/internal/platform/credentials"
)

// start serves the service `test.Echo`, whose method Call runs call.
func start(t *testing.T, call func(context.Context) error) (*Server, *grpc.ClientConn) {
	t.Helper()
	return startFor(t, credentials.Anyone("acme"), call)
}

func startFor(t *testing.T, callers credentials.Callers, call func(context.Context) error) (*Server, *grpc.ClientConn) {
	t.Helper()
	handle := func(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		req := new(wrapperspb.StringValue)
		if err := decode(req); err != nil {
			return nil, err
		}
		info := &grpc.UnaryServerInfo{FullMethod: "/test.Echo/Call"}
		return intercept(ctx, req, info, func(ctx context.Context, req any) (any, error) { return req, call(ctx) })
	}
	echo := &grpc.ServiceDesc{
		ServiceName: "test.Echo",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Call", Handler: handle}},
	}
	server := New(slog.New(slog.DiscardHandler), callers, func(r grpc.ServiceRegistrar) { r.RegisterService(echo, struct{}{}) })
	listener := bufconn.Listen(1 << 16)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///memory",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return listener.Dial() }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return server, conn
}

func callers(t *testing.T, file string) credentials.Callers {
	t.Helper()
	read, err := credentials.FromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func invoke(ctx context.Context, conn *grpc.ClientConn) error { return send(ctx, conn, "hello") }

func send(ctx context.Context, conn *grpc.ClientConn, text string) error {
	return conn.Invoke(ctx, "/test.Echo/Call", wrapperspb.String(text), new(wrapperspb.StringValue))
}

func TestServer_HealthWhileDraining(t *testing.T) {
	server, conn := start(t, nil)
	check := func(service string) string {
		resp, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil {
			return err.Error()
		}
		return resp.GetStatus().String()
	}
	for _, service := range []string{"", "test.Echo"} {
		if got, want := check(service), "SERVING"; got != want {
			t.Errorf("health of %q = %s, want %s", service, got, want)
		}
	}
	server.Drain()
	for _, service := range []string{"", "test.Echo"} {
		if got, want := check(service), "NOT_SERVING"; got != want {
			t.Errorf("draining: health of %q = %s, want %s", service, got, want)
		}
	}
}

func TestServer_Reflection(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, conn := startFor(t, callers(t, file), nil)
	services := func(token string) ([]string, error) {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
		stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
		if err != nil {
			return nil, err
		}
		// An error of sending is that of receiving.
		_ = stream.Send(&grpc_reflection_v1.ServerReflectionRequest{
			MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
		})
		resp, err := stream.Recv()
		var names []string
		for _, service := range resp.GetListServicesResponse().GetService() {
			names = append(names, service.GetName())
		}
		return names, err
	}
	if got, err := services("secret"); err != nil || !slices.Contains(got, "test.Echo") {
		t.Errorf("services = %q, %v; want test.Echo among them", got, err)
	}
	if got, err := services("other"); status.Code(err) != codes.Unauthenticated || got != nil {
		t.Errorf("services without an accepted token = %q, %v; want %v", got, err, codes.Unauthenticated)
	}
}

func TestServer_CallerInContext(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	var got caller.Caller
	_, conn := start(t, func(ctx context.Context) error { got = caller.From(ctx); return nil })
	ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme", "subject-id", "alice", "traceparent", trace, "tracestate", "a=1", "request-id", "r1")
	if err := invoke(ctx, conn); err != nil {
		t.Fatalf("call: error = %v, want nil", err)
	}
	if diff := cmp.Diff(caller.Caller{Tenant: "acme", Subject: "alice", TraceParent: trace, TraceState: "a=1", Request: "r1"}, got); diff != "" {
		t.Errorf("caller differs (-want +got):\n%s", diff)
	}
}

func TestServer_RequiresTenant(t *testing.T) {
	_, conn := start(t, func(context.Context) error { return nil })
	for _, pairs := range [][]string{
		{}, {"tenant-id", ""}, {"tenant-id", "acme", "tenant-id", "other"},
		{"tenant-id", "a b"}, {"tenant-id", strings.Repeat("a", 201)},
	} {
		err := invoke(metadata.AppendToOutgoingContext(t.Context(), pairs...), conn)
		if got, want := status.Code(err), codes.InvalidArgument; got != want {
			t.Errorf("call with %q: code = %v, want %v", pairs, got, want)
		}
	}
}

func TestServer_TenantOfAnyone(t *testing.T) {
	called := 0
	_, conn := start(t, func(context.Context) error { called++; return nil })
	for tenant, want := range map[string]codes.Code{"acme": codes.OK, "other": codes.PermissionDenied, "Acme": codes.PermissionDenied} {
		if got := status.Code(invoke(metadata.AppendToOutgoingContext(t.Context(), "tenant-id", tenant), conn)); got != want {
			t.Errorf("call without a token of %s: code = %v, want %v", tenant, got, want)
		}
	}
	if called != 1 {
		t.Errorf("calls that reached the service = %d, want 1", called)
	}
}

func TestServer_RequiresToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, conn := startFor(t, callers(t, file), func(context.Context) error { return nil })
	for authorization, want := range map[string]codes.Code{"Bearer secret": codes.OK, "Bearer other": codes.Unauthenticated, "": codes.Unauthenticated} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme", "authorization", authorization)
		if got := status.Code(invoke(ctx, conn)); got != want {
			t.Errorf("call with %q: code = %v, want %v", authorization, got, want)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme", "authorization", "Bearer secret")
	if got, want := status.Convert(invoke(ctx, conn)).String(), "rpc error: code = Unavailable desc = cannot authenticate the call"; got != want {
		t.Errorf("call while the tokens cannot be read = %s, want %s", got, want)
	}
}

func TestServer_RejectsNUL(t *testing.T) {
	_, conn := start(t, func(context.Context) error { return nil })
	err := send(metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme"), conn, "a\x00b")
	if got, want := status.Code(err), codes.InvalidArgument; got != want {
		t.Errorf("call with a NUL: code = %v, want %v; error = %v", got, want, err)
	}
}

func TestServer_JSON(t *testing.T) {
	const path, plain = "/test.Echo/Call", "application/json"
	for _, test := range []struct {
		path, contentType, tenant, body string
		err                             error
		status                          int
		want                            string
	}{
		{path, plain, "acme", `"hello"`, nil, 200, `"hello"`},
		{path, "application/json; charset=utf-8", "acme", `"hello"`, nil, 200, `"hello"`},
		{path, plain, "", `"hello"`, nil, 400, `{"code":"invalid_argument","message":"metadata tenant-id must be set once, with 1 to 200 visible characters"}`},
		{path, plain, "other", `"hello"`, nil, 403, `{"code":"permission_denied","message":"metadata tenant-id is not the tenant of calls without a token"}`},
		{path, plain, "acme", `{`, nil, 400, `{"code":"invalid_argument","message":"the request is not valid JSON for google.protobuf.StringValue"}`},
		{path, "application/proto", "acme", `{`, nil, 400, `{"code":"invalid_argument","message":"the request is not valid proto for google.protobuf.StringValue"}`},
		{path, plain, "acme", `"a\u0000b"`, nil, 400, `{"code":"invalid_argument","message":"` + ".value has a NUL character" + `"}`},
		{path, plain, "acme", `"hello"`, status.Error(codes.Aborted, "changed"), 409, `{"code":"aborted","message":"changed"}`},
		{path, plain, "acme", `"hello"`, status.Error(codes.FailedPrecondition, "closed"), 400, `{"code":"failed_precondition","message":"closed"}`},
		{path, plain, "acme", `"hello"`, errors.New("secret"), 500, `{"code":"internal","message":"internal error"}`},
		{path, "text/plain", "acme", ``, nil, 415, ``},
		{"/test.Echo/None", plain, "acme", `{}`, nil, 404, `404 page not found`},
	} {
		server, _ := start(t, func(context.Context) error { return test.err })
		req := httptest.NewRequest(http.MethodPost, test.path, strings.NewReader(test.body))
		req.Header.Set("Content-Type", test.contentType)
		req.Header.Set("Tenant-Id", test.tenant)
		recorder := httptest.NewRecorder()
		server.HTTP.ServeHTTP(recorder, req)
		if got := strings.TrimSpace(recorder.Body.String()); recorder.Code != test.status || got != test.want {
			t.Errorf("POST %s %s of %q = %d %s, want %d %s", test.path, test.body, test.tenant, recorder.Code, got, test.status, test.want)
		}
	}
}

func TestServer_ConnectClient(t *testing.T) {
	detailed, err := status.New(codes.FailedPrecondition, "closed").WithDetails(wrapperspb.String("since May"))
	if err != nil {
		t.Fatal(err)
	}
	for _, options := range [][]connect.ClientOption{
		nil, {connect.WithSendGzip()}, {connect.WithProtoJSON(), connect.WithSendGzip()}, {connect.WithGRPCWeb()},
	} {
		var failure error
		var left time.Duration
		server, _ := start(t, func(ctx context.Context) error {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			return failure
		})
		serving := httptest.NewServer(server.HTTP)
		defer serving.Close()
		client := connect.NewClient[wrapperspb.StringValue, wrapperspb.StringValue](serving.Client(), serving.URL+"/test.Echo/Call", options...)
		call := func(text string) (*connect.Response[wrapperspb.StringValue], error) {
			req := connect.NewRequest(wrapperspb.String(text))
			req.Header().Set("Tenant-Id", "acme")
			ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
			defer cancel()
			return client.CallUnary(ctx, req)
		}
		long := strings.Repeat("hello", 1000)
		if resp, err := call(long); err != nil || resp.Msg.GetValue() != long {
			t.Errorf("with %d options: error = %v, want the text back", len(options), err)
		}
		if left > 7*time.Second || left < time.Second {
			t.Errorf("with %d options: time left = %v, want that of the caller", len(options), left)
		}
		failure = detailed.Err()
		_, err := call("hello")
		failed := new(connect.Error)
		if !errors.As(err, &failed) || failed.Code() != connect.CodeFailedPrecondition || failed.Message() != "closed" || len(failed.Details()) != 1 {
			t.Fatalf("with %d options: error = %v, want the status with its detail", len(options), err)
		}
		if value, err := failed.Details()[0].Value(); err != nil || value.(*wrapperspb.StringValue).GetValue() != "since May" {
			t.Errorf("with %d options: detail = %v, %v; want since May", len(options), value, err)
		}
		failure = nil
		// It is small while it is compressed.
		if _, err := call(strings.Repeat("x", 2*maxRequest)); connect.CodeOf(err) == 0 || err == nil {
			t.Errorf("with %d options: a large request: error = %v, want one", len(options), err)
		}
	}
}

func TestServer_BodyAfterAuthentication(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	called := false
	server, _ := startFor(t, callers(t, file), func(context.Context) error { called = true; return nil })
	const large = `"` + "%s" + `"`
	for _, test := range []struct {
		authorization string
		body          io.Reader
		status        int
		want          string
	}{
		{"Bearer other", iotest.ErrReader(errors.New("the body was read")), 401, `{"code":"unauthenticated","message":"missing or invalid token"}`},
		{"Bearer secret", strings.NewReader(fmt.Sprintf(large, strings.Repeat("x", maxRequest))), 413, "the request is too large"},
		{"Bearer secret", io.LimitReader(strings.NewReader(fmt.Sprintf(large, strings.Repeat("x", maxRequest))), 2*maxRequest), 429, "resource_exhausted"},
		{"Bearer secret", io.MultiReader(strings.NewReader(`"hello"`), iotest.ErrReader(io.ErrUnexpectedEOF)), 500, "unexpected EOF"},
	} {
		req := httptest.NewRequest(http.MethodPost, "/test.Echo/Call", test.body)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Tenant-Id", "acme")
		req.Header.Set("Authorization", test.authorization)
		recorder := httptest.NewRecorder()
		server.HTTP.ServeHTTP(recorder, req)
		if got := recorder.Body.String(); recorder.Code != test.status || !strings.Contains(got, test.want) || called {
			t.Errorf("POST = %d %s, service called: %v; want %d %s, false", recorder.Code, got, called, test.status, test.want)
		}
	}
}

func TestServer_RecoversFromPanic(t *testing.T) {
	_, conn := start(t, func(context.Context) error { panic("secret") })
	ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme")
	for range 2 {
		if got, want := status.Convert(invoke(ctx, conn)).String(), `rpc error: code = Internal desc = internal error`; got != want {
			t.Errorf("call = %s, want %s", got, want)
		}
	}
}

// sqlState is an error of a database with its code.
type sqlState string

func (s sqlState) Error() string    { return "secret" }
func (s sqlState) SQLState() string { return string(s) }

func TestServer_HidesInternalErrors(t *testing.T) {
	const away = "rpc error: code = Unavailable desc = a dependency is unavailable"
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("secret"), "rpc error: code = Internal desc = internal error"},
		{fmt.Errorf("secret: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")}), away},
		{fmt.Errorf("secret: %w", io.ErrUnexpectedEOF), away},
		{fmt.Errorf("secret: %w", sqlState("57P01")), away},
		{fmt.Errorf("secret: %w", sqlState("53300")), away},
		{fmt.Errorf("secret: %w", sqlState("23505")), "rpc error: code = Internal desc = internal error"},
		{fmt.Errorf("secret: %w", sqlState("")), "rpc error: code = Internal desc = internal error"},
		{fmt.Errorf("secret: %w", context.DeadlineExceeded), "rpc error: code = DeadlineExceeded desc = the call took too long"},
		{status.Error(codes.NotFound, "no such item"), "rpc error: code = NotFound desc = no such item"},
		{fmt.Errorf("secret: %w", status.Error(codes.NotFound, "secret")), "rpc error: code = Internal desc = internal error"},
	} {
		_, conn := start(t, func(context.Context) error { return test.err })
		ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme")
		if got := status.Convert(invoke(ctx, conn)).String(); got != test.want {
			t.Errorf("call that fails with %v = %s, want %s", test.err, got, test.want)
		}
	}
}

func TestServer_CallDeadline(t *testing.T) {
	var left time.Duration
	_, conn := start(t, func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return nil
	})
	if err := invoke(metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme"), conn); err != nil {
		t.Fatalf("call: error = %v, want nil", err)
	}
	if left <= 0 || left > callTimeout {
		t.Errorf("time left = %v, want some, and no more than %v", left, callTimeout)
	}
}

func TestServer_StopEndsHealthWatches(t *testing.T) {
	server, conn := start(t, nil)
	watch, err := grpc_health_v1.NewHealthClient(conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := server.Part(nil).Stop(ctx); err != nil {
		t.Errorf("Stop() error = %v, want nil", err)
	}
}

func TestServer_StopFinishesCallsInFlight(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	server, conn := start(t, func(context.Context) error { close(entered); <-leave; return nil })
	result := make(chan error)
	go func() { result <- invoke(metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme"), conn) }()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- server.Part(nil).Stop(ctx) }()
	select {
	case err := <-stopped:
		t.Errorf("Stop() = %v with a call in flight, want it to wait", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	if err := <-result; err != nil {
		t.Errorf("call in flight: error = %v, want nil", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Stop() error = %v, want nil", err)
	}
}
