package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/acme/app/primitives/process/orders/bpmn"
)

// environ is complete, but there is no engine.
var environ = []string{
	"ENGINE_URL=http://127.0.0.1:1", "ENGINE_AUTH=none", "HTTP_ADDRESS=127.0.0.1:0", "LOG_LEVEL=INFO", "MAX_JOBS=4",
	"JOB_TIMEOUT=1m", "MESSAGE_TTL=1h", "DRAIN_DELAY=0s", "DRAIN_TIMEOUT=10s",
	"WORK_URL=http://127.0.0.1:1",
}

type line struct{ Msg, Server, Address, Part string }

func TestProcessesStartAndStop(t *testing.T) {
	for _, test := range []struct {
		command string
		want    []string
	}{
		{"serve", []string{"readiness", "delay", "worker", "http"}},
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
				for path, want := range map[string]int{"/livez": http.StatusNoContent, "/readyz": http.StatusServiceUnavailable} {
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

func TestDeployBringsTheModel(t *testing.T) {
	var deployed []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, header, err := r.FormFile("resources")
		if err != nil {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
		content, _ := io.ReadAll(file)
		deployed = append(deployed, r.URL.Path, header.Filename, string(content))
		_, _ = io.WriteString(w, `{"deploymentKey":"1"}`)
	}))
	defer server.Close()
	if err := run(t.Context(), []string{"deploy"}, append([]string{"ENGINE_AUTH=none"}, "ENGINE_URL="+server.URL), io.Discard); err != nil {
		t.Errorf("deploy: error = %v, want nil", err)
	}
	want := []string{"/v2/deployments", "process.bpmn", string(bpmn.Process)}
	if diff := cmp.Diff(want, deployed); diff != "" {
		t.Errorf("deployment differs (-want +got):\n%s", diff)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "one command is needed"},
		{[]string{"fly"}, `unknown command "fly"`},
		{[]string{"serve"}, "ENGINE_URL"},
		{[]string{"deploy"}, "ENGINE_URL"},
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
