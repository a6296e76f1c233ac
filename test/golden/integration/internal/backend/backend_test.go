package backend_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/acme/app/primitives/integration/orders/internal/backend"
	"github.com/acme/app/primitives/integration/orders/internal/caller"
	"github.com/acme/app/primitives/integration/orders/internal/credentials"
	"github.com/acme/app/primitives/integration/orders/internal/tools"
)

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

var alice = caller.Caller{Tenant: "acme", Subject: "alice", TraceParent: trace, TraceState: "vendor=1"}

// services is those behind the tools: it has one order, and takes requests.
type services struct {
	*httptest.Server
	failing bool
	// moved makes them redirect to a page that answers 200, such as one to log in at.
	moved bool
	// headers are those of the last request.
	headers []string
	taken   []map[string]any
}

func startServices(t *testing.T) *services {
	t.Helper()
	s := &services{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) })
	mux.HandleFunc("GET /v1/orders/{id}", s.answer)
	mux.HandleFunc("POST /acme.v1.Orders/CreateOrder", s.take)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *services) answer(w http.ResponseWriter, r *http.Request) {
	s.keep(r)
	switch {
	case s.failing:
		http.Error(w, "secret", http.StatusInternalServerError)
	case s.moved:
		http.Redirect(w, r, "/login", http.StatusFound)
	case r.PathValue("id") == "a/b?c" && r.Header.Get("Tenant-Id") == "acme":
		_, _ = io.WriteString(w, `{"id":"a/b?c","title":"First","version":2,"created":"2030-01-02T03:04:05Z"}`)
	default:
		http.Error(w, "secret", http.StatusNotFound)
	}
}

// from is alice in the headers of a request.
var from = []string{"acme", "alice", trace, "vendor=1"}

func (s *services) keep(r *http.Request) {
	s.headers = nil
	for _, name := range []string{"Tenant-Id", "Subject-Id", "Traceparent", "Tracestate"} {
		s.headers = append(s.headers, r.Header.Get(name))
	}
}

func (s *services) take(w http.ResponseWriter, r *http.Request) {
	s.keep(r)
	var command map[string]any
	err := json.NewDecoder(r.Body).Decode(&command)
	switch {
	case s.failing:
		http.Error(w, "secret", http.StatusServiceUnavailable)
	case s.moved:
		http.Redirect(w, r, "/login", http.StatusFound)
	case err != nil || r.Header.Get("Content-Type") != "application/json":
		http.Error(w, "no JSON", http.StatusUnsupportedMediaType)
	case command["title"] == "Taken":
		http.Error(w, `{"code":"invalid_argument","message":"the title is taken"}`, http.StatusBadRequest)
	default:
		s.taken = append(s.taken, command)
		_, _ = io.WriteString(w, `{"order":{"id":"i1"}}`)
	}
}

// call returns the text of the answer that a tool gives a caller.
func (s *services) call(t *testing.T, from caller.Caller, tool string, arguments map[string]any) string {
	t.Helper()
	behind := backend.New(credentials.Client("", time.Minute), s.URL+"/v1/orders", s.URL+"/acme.v1.Orders/CreateOrder")
	identify := func(*mcp.RequestExtra) (caller.Caller, error) { return from, nil }
	near, far := mcp.NewInMemoryTransports()
	if _, err := tools.New(slog.New(slog.DiscardHandler), behind, identify).Connect(t.Context(), far, nil); err != nil {
		t.Fatal(err)
	}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).Connect(t.Context(), near, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if broken, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return "protocol: " + broken.Message
	}
	if err != nil {
		return err.Error()
	}
	text := result.Content[0].(*mcp.TextContent).Text
	if result.IsError {
		return "error: " + text
	}
	return text
}

func (s *services) request(t *testing.T, from caller.Caller, key string) string {
	t.Helper()
	return s.call(t, from, "request_order", map[string]any{"title": "First", "idempotencyKey": key})
}

func TestGet(t *testing.T) {
	s := startServices(t)
	want := `{"created":"2030-01-02T03:04:05Z","id":"a/b?c","title":"First","version":2}`
	if got := s.call(t, alice, "get_order", map[string]any{"id": "a/b?c"}); got != want {
		t.Fatalf("get = %s, want %s", got, want)
	}
	if diff := cmp.Diff(from, s.headers); diff != "" {
		t.Errorf("headers differ (-want +got):\n%s", diff)
	}
}

func TestGetOfAnotherTenantIsNotFound(t *testing.T) {
	want := "error: order not found"
	if got := startServices(t).call(t, caller.Caller{Tenant: "other"}, "get_order", map[string]any{"id": "a/b?c"}); got != want {
		t.Errorf("get = %s, want %s", got, want)
	}
}

func TestGetLeavesNoPath(t *testing.T) {
	for _, id := range []string{".", ".."} {
		s := startServices(t)
		want := "error: order not found"
		if got := s.call(t, alice, "get_order", map[string]any{"id": id}); got != want {
			t.Errorf("get of %q = %s, want %s", id, got, want)
		}
	}
}

func TestRequestIsHandedOn(t *testing.T) {
	s := startServices(t)
	answer := s.request(t, alice, "k1")
	var got struct{ Status, RequestID string }
	if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Status != "accepted" || got.RequestID == "" {
		t.Fatalf("request = %s, want status accepted and a requestId", answer)
	}
	if diff := cmp.Diff(from, s.headers); diff != "" {
		t.Errorf("headers differ (-want +got):\n%s", diff)
	}
	want := []map[string]any{{"requestId": got.RequestID, "title": "First"}}
	if diff := cmp.Diff(want, s.taken); diff != "" {
		t.Errorf("what was handed on differs (-want +got):\n%s", diff)
	}
}

func TestRequestTwiceIsOneRequest(t *testing.T) {
	s := startServices(t)
	once, again := s.request(t, alice, "k1"), s.request(t, alice, "k1")
	if len(s.taken) != 2 || s.taken[0]["requestId"] != s.taken[1]["requestId"] || once != again {
		t.Errorf("request = %s, then %s, handing on %v; want one and the same", once, again, s.taken)
	}
}

func TestRequestsOfOthersAreTheirOwn(t *testing.T) {
	s := startServices(t)
	seen := map[string]string{}
	for _, other := range []struct {
		from caller.Caller
		key  string
	}{
		{caller.Caller{Tenant: "acme", Subject: "alice"}, "k1"},
		{caller.Caller{Tenant: "acme", Subject: "alice"}, "k2"},
		{caller.Caller{Tenant: "acme", Subject: "bob"}, "k1"},
		{caller.Caller{Tenant: "other", Subject: "alice"}, "k1"},
		{caller.Caller{Tenant: "acmea", Subject: "lice"}, "k1"},
		{caller.Caller{Tenant: "acme", Subject: "alicek"}, "1"},
	} {
		answer := s.request(t, other.from, other.key)
		if before, known := seen[answer]; known {
			t.Errorf("request of %v with %s = %s, the same as of %s", other.from, other.key, answer, before)
		}
		seen[answer] = other.from.Tenant + " " + other.from.Subject
	}
}

func TestRefusalsAreToldInTheirWords(t *testing.T) {
	arguments := map[string]any{"title": "Taken", "idempotencyKey": "k1"}
	if got, want := startServices(t).call(t, alice, "request_order", arguments), "error: the title is taken"; got != want {
		t.Errorf("request = %s, want %s", got, want)
	}
}

func TestFailuresOfServicesStayHere(t *testing.T) {
	want := "protocol: the call failed; it may be made again later"
	for _, change := range []func(*services){
		func(s *services) { s.failing = true },
		func(s *services) { s.moved = true },
		func(s *services) { s.Close() },
	} {
		s := startServices(t)
		change(s)
		if got := s.call(t, alice, "get_order", map[string]any{"id": "i1"}); got != want {
			t.Errorf("get = %s, want %s", got, want)
		}
		if got := s.request(t, alice, "k1"); got != want {
			t.Errorf("request = %s, want %s", got, want)
		}
	}
}
