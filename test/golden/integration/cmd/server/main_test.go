package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// environ is complete, but nothing is where it says.
var environ = []string{
	"QUERY_URL=http://127.0.0.1:1", "REQUEST_URL=http://127.0.0.1:1", "RESOURCE_URL=http://127.0.0.1:1/mcp",
	"ISSUER_URL=http://127.0.0.1:1", "TENANT_ID=acme", "SUBJECT=alice", "HTTP_ADDRESS=127.0.0.1:0",
}

type line struct{ Msg, Server, Address, Part string }

func TestProcessesStartAndStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer := pipe(t)
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"serve"}, environ, streams{out: writer, err: io.Discard})
		_ = writer.Close()
	}()
	var stopped []string
	for lines := bufio.NewScanner(reader); lines.Scan(); {
		var got line
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			t.Fatalf("log line %q: %v", lines.Bytes(), err)
		}
		switch {
		case got.Msg == "listening" && got.Server == "http":
			for path, want := range map[string]int{
				"/livez": http.StatusNoContent, "/readyz": http.StatusServiceUnavailable, "/mcp": http.StatusForbidden,
				"/.well-known/oauth-protected-resource/mcp": http.StatusOK,
			} {
				if got := statusOf(t, "http://"+got.Address+path); got != want {
					t.Errorf("GET %s = %d, want %d", path, got, want)
				}
			}
			cancel()
		case got.Msg == "stopped":
			stopped = append(stopped, got.Part)
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("error = %v, want nil", err)
	}
	if diff := cmp.Diff([]string{"readiness", "delay", "http"}, stopped); diff != "" {
		t.Errorf("order of stopping differs (-want +got):\n%s", diff)
	}
}

func TestStdioServesItsParent(t *testing.T) {
	in, toServer := pipe(t)
	fromServer, out := pipe(t)
	var logs bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- run(t.Context(), []string{"stdio"}, environ, streams{in, out, &logs}) }()
	transport := &mcp.IOTransport{Reader: fromServer, Writer: toServer}
	client, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	if listed, err := client.ListTools(t.Context(), nil); err != nil || len(listed.Tools) == 0 {
		t.Errorf("ListTools() = %v, %v, want tools", listed, err)
	}
	if err := client.Close(); err != nil {
		t.Errorf("Close() error = %v, want nil", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("error = %v, want nil", err)
	}
	if got := logs.String(); !strings.Contains(got, `"tenant":"acme","subject":"alice"`) {
		t.Errorf("logs = %s, want some with the caller", got)
	}
}

func TestStdioStops(t *testing.T) {
	in, _ := pipe(t)
	_, out := pipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"stdio"}, environ, streams{in, out, io.Discard}); err != nil {
		t.Errorf("error = %v, want nil", err)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "one command is needed"},
		{[]string{"fly"}, `unknown command "fly"`},
		{[]string{"serve"}, "RESOURCE_URL"},
		{[]string{"stdio"}, "TENANT_ID"},
	} {
		err := run(t.Context(), test.args, nil, streams{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("run(%q) error = %v, want one with %q", test.args, err, test.want)
		}
	}
}

func pipe(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close(); _ = writer.Close() })
	return reader, writer
}

func statusOf(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
