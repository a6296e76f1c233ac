package tools

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
	"github.com/acme/app/primitives/integration/orders/internal/port"
)

var alice = caller.Caller{Tenant: "acme", Subject: "alice"}

// memory answers all calls in the same way and keeps what it was asked.
type memory struct {
	asked []any
	err   error
}

func (m *memory) GetOrder(_ context.Context, from caller.Caller, id string) (port.Order, error) {
	m.asked = append(m.asked, from, id)
	if id == "panic" {
		panic("secret")
	}
	return port.Order{ID: id, Title: "First", Version: 2, Created: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}, m.err
}

func (m *memory) RequestOrder(_ context.Context, from caller.Caller, request port.Request) (port.Accepted, error) {
	m.asked = append(m.asked, from, request)
	return port.Accepted{RequestID: "r1"}, m.err
}

// connect returns a client of the tools on a port.
func connect(t *testing.T, services port.Services) *mcp.ClientSession {
	t.Helper()
	identify := func(*mcp.RequestExtra) (caller.Caller, error) { return alice, nil }
	near, far := mcp.NewInMemoryTransports()
	server, err := New(slog.New(slog.DiscardHandler), services, identify).Connect(t.Context(), far, nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).Connect(t.Context(), near, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(); _ = server.Wait() })
	return client
}

// call returns the text of a tool's answer, and whether it is that of an error.
func call(t *testing.T, client *mcp.ClientSession, tool string, arguments map[string]any) (string, bool) {
	t.Helper()
	result, err := client.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if broken, ok := errors.AsType[*jsonrpc.Error](err); ok {
		return "protocol: " + broken.Message, true
	}
	if err != nil {
		return err.Error(), true
	}
	if len(result.Content) != 1 {
		t.Fatalf("%s gave %d contents, want 1", tool, len(result.Content))
	}
	return result.Content[0].(*mcp.TextContent).Text, result.IsError
}

func TestInitialize(t *testing.T) {
	got := connect(t, &memory{}).InitializeResult()
	if got.ServerInfo.Name != "orders" {
		t.Errorf("name = %q, want %q", got.ServerInfo.Name, "orders")
	}
	if diff := cmp.Diff(&mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}, got.Capabilities); diff != "" {
		t.Errorf("capabilities differ (-want +got):\n%s", diff)
	}
}

func TestToolsAreListed(t *testing.T) {
	listed, err := connect(t, &memory{}).ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	type tool struct {
		Name                 string
		ReadOnly, Idempotent bool
		Arguments            any
	}
	var got []tool
	for _, known := range listed.Tools {
		schema := known.InputSchema.(map[string]any)
		got = append(got, tool{known.Name, known.Annotations.ReadOnlyHint, known.Annotations.IdempotentHint, schema["required"]})
	}
	want := []tool{
		{Name: "get_order", ReadOnly: true, Arguments: []any{"id"}},
		{Name: "request_order", Idempotent: true, Arguments: []any{"title", "idempotencyKey"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tools differ (-want +got):\n%s", diff)
	}
}

func TestToolsCallThePort(t *testing.T) {
	for _, test := range []struct {
		tool      string
		arguments map[string]any
		asked     []any
		want      string
	}{
		{
			"get_order", map[string]any{"id": "i1"}, []any{alice, "i1"},
			`{"created":"2030-01-02T03:04:05Z","id":"i1","title":"First","version":2}`,
		},
		{
			"request_order", map[string]any{"title": "First", "idempotencyKey": "k1"},
			[]any{alice, port.Request{Key: "k1", Title: "First"}},
			`{"requestId":"r1","status":"accepted"}`,
		},
	} {
		var services memory
		if got, failed := call(t, connect(t, &services), test.tool, test.arguments); failed || got != test.want {
			t.Errorf("%s = %s, error %t, want %s", test.tool, got, failed, test.want)
		}
		if diff := cmp.Diff(test.asked, services.asked); diff != "" {
			t.Errorf("%s: what the port was asked differs (-want +got):\n%s", test.tool, diff)
		}
	}
}

func TestToolsRefuseArguments(t *testing.T) {
	long := strings.Repeat("x", 201)
	for _, test := range []struct {
		tool      string
		arguments map[string]any
	}{
		{"get_order", nil},
		{"get_order", map[string]any{"id": ""}},
		{"get_order", map[string]any{"id": long}},
		{"get_order", map[string]any{"id": 7}},
		{"get_order", map[string]any{"id": "i1", "tenant": "other"}},
		{"request_order", map[string]any{"title": "First"}},
		{"request_order", map[string]any{"title": "", "idempotencyKey": "k1"}},
		{"request_order", map[string]any{"title": "First", "idempotencyKey": long}},
		{"request_order", map[string]any{"title": "First", "idempotencyKey": "k1", "subject": "bob"}},
		{"delete_order", map[string]any{"id": "i1"}},
	} {
		var services memory
		if got, failed := call(t, connect(t, &services), test.tool, test.arguments); !failed || services.asked != nil {
			t.Errorf("%s(%v) = %s, asked %v; want an error and nothing asked", test.tool, test.arguments, got, services.asked)
		}
	}
}

func TestToolsTellWhatIsRefused(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{port.ErrNotFound, "order not found"},
		{errors.Join(errors.New("secret"), port.Refused("the title is taken")), "the title is taken"},
		{errors.New("secret"), "protocol: the call failed; it may be made again later"},
	} {
		client := connect(t, &memory{err: test.err})
		for tool, arguments := range map[string]map[string]any{
			"get_order":     {"id": "i1"},
			"request_order": {"title": "First", "idempotencyKey": "k1"},
		} {
			if got, failed := call(t, client, tool, arguments); !failed || got != test.want {
				t.Errorf("%s = %s, error %t, want the error %s", tool, got, failed, test.want)
			}
		}
	}
}

func TestFailuresAreLoggedWithTheirCaller(t *testing.T) {
	var log strings.Builder
	failing := tool(slog.New(slog.NewTextHandler(&log, nil)), func(context.Context, caller.Caller, struct{}) (struct{}, error) {
		return struct{}{}, errors.New("secret")
	})
	request := &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Name: "fail"}}
	_, _, err := failing(caller.With(t.Context(), alice), request, struct{}{})
	want := `msg="call failed" tenant=acme subject=alice trace_id="" tool=fail error=secret`
	if !errors.Is(err, errFailed) || !strings.Contains(log.String(), want) {
		t.Errorf("error = %v, log = %s; want %v, %s", err, log.String(), errFailed, want)
	}
}

func TestPanicEndsOneCall(t *testing.T) {
	client := connect(t, &memory{})
	if got, failed := call(t, client, "get_order", map[string]any{"id": "panic"}); !failed || strings.Contains(got, "secret") {
		t.Errorf("get = %s, error %t, want an error without the cause", got, failed)
	}
	if got, failed := call(t, client, "get_order", map[string]any{"id": "i1"}); failed {
		t.Errorf("get = %s, want one", got)
	}
}
