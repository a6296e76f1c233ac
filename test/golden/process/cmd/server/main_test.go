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
	"github.com/acme/app/primitives/process/orders/internal/config"
)

// environ is complete, but there is no engine.
var environ = []string{
	"ENGINE_URL=http://127.0.0.1:1", "ENGINE_AUTH=none", "ACCEPT_CALLERS=/dev/null", "HTTP_ADDRESS=127.0.0.1:0",
	"WORK_URL=http://127.0.0.1:1",
}

type line struct{ Msg, Server, Address, Part string }

func TestProcessesStartAndStop(t *testing.T) {
	settings, err := config.LoadServe(environ)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- do(ctx, settings, nil, writer); _ = writer.Close() }()
	var stopped []string
	for lines := bufio.NewScanner(reader); lines.Scan(); {
		var got line
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			t.Fatalf("log line %q: %v", lines.Bytes(), err)
		}
		switch {
		case got.Msg == "listening" && got.Server == "http":
			for path, want := range map[string]int{"/livez": http.StatusNoContent, "/readyz": http.StatusServiceUnavailable} {
				if got := statusOf(t, "http://"+got.Address+path); got != want {
					t.Errorf("GET %s = %d, want %d", path, got, want)
				}
			}
			resp, err := http.Post("http://"+got.Address+"/v1/messages/ordered", "application/json", nil)
			if err != nil {
				t.Fatal(err)
			}
			if _ = resp.Body.Close(); resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("POST without a token = %d, want %d", resp.StatusCode, http.StatusUnauthorized)
			}
			cancel()
		case got.Msg == "stopped":
			stopped = append(stopped, got.Part)
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("error = %v, want nil", err)
	}
	if diff := cmp.Diff([]string{"readiness", "delay", "worker", "http"}, stopped); diff != "" {
		t.Errorf("order of stopping differs (-want +got):\n%s", diff)
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
		deployed = append(deployed, r.URL.Path, r.FormValue("tenantId"), header.Filename, string(content))
		_, _ = io.WriteString(w, `{"deploymentKey":"1"}`)
	}))
	defer server.Close()
	if err := run(t.Context(), []string{"deploy"}, []string{"ENGINE_AUTH=none", "ENGINE_TENANTS=acme,other", "ENGINE_URL=" + server.URL}, io.Discard); err != nil {
		t.Errorf("deploy: error = %v, want nil", err)
	}
	want := []string{
		"/v2/deployments", "acme", "process.bpmn", string(bpmn.Process),
		"/v2/deployments", "other", "process.bpmn", string(bpmn.Process),
	}
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
