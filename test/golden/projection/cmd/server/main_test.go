package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// environ is complete, but there is no database.
var environ = []string{
	"DATABASE_URL=postgres://127.0.0.1:1/none?connect_timeout=1", "HTTP_ADDRESS=127.0.0.1:0",
	"ACCEPT_CALLERS=/dev/null",
}

type line struct{ Msg, Server, Address, Part string }

func TestProcessesStartAndStop(t *testing.T) {
	for _, test := range []struct {
		command string
		want    []string
	}{
		{"serve", []string{"readiness", "delay", "http", "database"}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- run(ctx, []string{test.command}, environ, writer); _ = writer.Close() }()
		var stopped []string
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			var got line
			if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
				t.Fatalf("%s: log line %q: %v", test.command, lines.Bytes(), err)
			}
			switch {
			case got.Msg == "listening" && got.Server == "http":
				for path, want := range map[string]int{"/livez": http.StatusNoContent, "/readyz": http.StatusServiceUnavailable, "/v1/orders": http.StatusUnauthorized} {
					if got := statusOf(t, "http://"+got.Address+path); got != want {
						t.Errorf("%s: GET %s = %d, want %d", test.command, path, got, want)
					}
				}
				cancel()
			case got.Msg == "stopped":
				stopped = append(stopped, got.Part)
			}
		}
		if err := <-ended; err != nil {
			t.Errorf("%s: error = %v, want nil", test.command, err)
		}
		if diff := cmp.Diff(test.want, stopped); diff != "" {
			t.Errorf("%s: order of stopping differs (-want +got):\n%s", test.command, diff)
		}
		cancel()
	}
}

func TestRunRefuses(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "one command is needed"},
		{[]string{"fly"}, `unknown command "fly"`},
		{[]string{"serve"}, "DATABASE_URL"},
		{[]string{"migrate"}, "DATABASE_URL"},
	} {
		err := run(t.Context(), test.args, nil, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("run(%q) error = %v, want one with %q", test.args, err, test.want)
		}
	}
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
