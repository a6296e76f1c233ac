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

	"github.com/acme/app/primitives/domain/orders/internal/caller"
	"github.com/acme/app/primitives/domain/orders/internal/credentials"
)

// start serves one service `test.Echo` with the method Call, which does what call does.
func start(t *testing.T, call func(context.Context) error) (*Server, *grpc.ClientConn) {
	t.Helper()
	return startFor(t, "anyone", call)
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

func invoke(ctx context.Context, conn *grpc.ClientConn) error { return send(ctx, conn, "hello") }

func send(ctx context.Context, conn *grpc.ClientConn, text string) error {
	return conn.Invoke(ctx, "/test.Echo/Call", wrapperspb.String(text), new(wrapperspb.StringValue))
}

func TestHealthFollowsDrain(t *testing.T) {
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

func TestReflectionListsServices(t *testing.T) {
	_, conn := start(t, nil)
	stream, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := &grpc_reflection_v1.ServerReflectionRequest{
		MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
	}
	if err := stream.Send(list); err != nil {
		t.Fatal(err)
	}
	resp, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, service := range resp.GetListServicesResponse().GetService() {
		got = append(got, service.GetName())
	}
	if want := "test.Echo"; !slices.Contains(got, want) {
		t.Errorf("services = %q, want %q among them", got, want)
	}
}

func TestCallsCarryTheirCaller(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	var got caller.Caller
	_, conn := start(t, func(ctx context.Context) error { got = caller.From(ctx); return nil })
	ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme", "subject-id", "alice", "traceparent", trace, "tracestate", "a=1")
	if err := invoke(ctx, conn); err != nil {
		t.Fatalf("call: error = %v, want nil", err)
	}
	if diff := cmp.Diff(caller.Caller{Tenant: "acme", Subject: "alice", TraceParent: trace, TraceState: "a=1"}, got); diff != "" {
		t.Errorf("caller differs (-want +got):\n%s", diff)
	}
}

func TestCallsWithoutTenantAreRefused(t *testing.T) {
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

func TestCallsNeedAcceptedToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, conn := startFor(t, credentials.Callers(file), func(context.Context) error { return nil })
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
	if got, want := status.Convert(invoke(ctx, conn)).String(), "rpc error: code = Internal desc = internal error"; got != want {
		t.Errorf("call while the tokens cannot be read = %s, want %s", got, want)
	}
}

func TestCallsWithNULAreRefused(t *testing.T) {
	_, conn := start(t, func(context.Context) error { return nil })
	err := send(metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme"), conn, "a\x00b")
	if got, want := status.Code(err), codes.InvalidArgument; got != want {
		t.Errorf("call with a NUL: code = %v, want %v; error = %v", got, want, err)
	}
}

func TestCallsInJSON(t *testing.T) {
	const path, plain = "/test.Echo/Call", "application/json"
	for _, test := range []struct {
		path, contentType, tenant, body string
		err                             error
		status                          int
		want                            string
	}{
		{path, plain, "acme", `"hello"`, nil, 200, `"hello"`},
		{path, "application/json; charset=utf-8", "acme", `"hello"`, nil, 200, `"hello"`},
		{path, plain, "", `"hello"`, nil, 400, `{"code":"invalid_argument","message":"metadata tenant-id must be given once, as 1 to 200 visible characters"}`},
		{path, plain, "acme", `{`, nil, 400, `{"code":"invalid_argument","message":"the request is no JSON of google.protobuf.StringValue"}`},
		{path, plain, "acme", `"a\u0000b"`, nil, 400, `{"code":"invalid_argument","message":"` + ".value has a NUL character" + `"}`},
		{path, plain, "acme", `"hello"`, status.Error(codes.Aborted, "changed"), 409, `{"code":"aborted","message":"changed"}`},
		{path, plain, "acme", `"hello"`, errors.New("secret"), 500, `{"code":"internal","message":"internal error"}`},
		{path, "application/proto", "acme", ``, nil, 415, ``},
		{"/test.Echo/None", plain, "acme", `{}`, nil, 404, `404 page not found`},
	} {
		server, _ := start(t, func(context.Context) error { return test.err })
		req := httptest.NewRequest(http.MethodPost, test.path, strings.NewReader(test.body))
		req.Header.Set("Content-Type", test.contentType)
		req.Header.Set("Tenant-Id", test.tenant)
		recorder := httptest.NewRecorder()
		server.JSON.ServeHTTP(recorder, req)
		if got := strings.TrimSpace(recorder.Body.String()); recorder.Code != test.status || got != test.want {
			t.Errorf("POST %s %s of %q = %d %s, want %d %s", test.path, test.body, test.tenant, recorder.Code, got, test.status, test.want)
		}
	}
}

func TestBodiesInJSONAreReadForAcceptedCallers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	called := false
	server, _ := startFor(t, credentials.Callers(file), func(context.Context) error { called = true; return nil })
	const large, broken = `{"code":"resource_exhausted","message":"the request is too large"}`, `{"code":"canceled","message":"the request did not arrive whole"}`
	for _, test := range []struct {
		authorization string
		body          io.Reader
		status        int
		want          string
	}{
		{"Bearer other", iotest.ErrReader(errors.New("the body was read")), 401, `{"code":"unauthenticated","message":"an accepted token is needed"}`},
		{"Bearer secret", strings.NewReader(`"` + strings.Repeat("x", maxRequest) + `"`), 413, large},
		{"Bearer secret", io.MultiReader(strings.NewReader(`"hello"`), iotest.ErrReader(io.ErrUnexpectedEOF)), 408, broken},
	} {
		req := httptest.NewRequest(http.MethodPost, "/test.Echo/Call", test.body)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Tenant-Id", "acme")
		req.Header.Set("Authorization", test.authorization)
		recorder := httptest.NewRecorder()
		server.JSON.ServeHTTP(recorder, req)
		if got := recorder.Body.String(); recorder.Code != test.status || got != test.want || called {
			t.Errorf("POST = %d %s, service called: %v; want %d %s, false", recorder.Code, got, called, test.status, test.want)
		}
	}
}

func TestPanicFailsOneCallOnly(t *testing.T) {
	_, conn := start(t, func(context.Context) error { panic("secret") })
	ctx := metadata.AppendToOutgoingContext(t.Context(), "tenant-id", "acme")
	for range 2 {
		if got, want := status.Convert(invoke(ctx, conn)).String(), `rpc error: code = Internal desc = internal error`; got != want {
			t.Errorf("call = %s, want %s", got, want)
		}
	}
}

func TestCallsKeepFailuresToThemselves(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("secret"), "rpc error: code = Internal desc = internal error"},
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

func TestCallsHaveDeadline(t *testing.T) {
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

func TestStopEndsWatchesOfHealth(t *testing.T) {
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

func TestStopFinishesCallsInFlight(t *testing.T) {
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
