package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLoadReadsEnvironment(t *testing.T) {
	environ := []string{
		"DATABASE_URL=postgres://localhost/db", "EVENTS_URL=http://localhost/events", "POLL_INTERVAL=250ms",
		"HTTP_ADDRESS=:8080", "LOG_LEVEL=WARN", "DRAIN_TIMEOUT=10s",
	}
	want := Dispatch{
		Process:      Process{HTTPAddress: ":8080", LogLevel: 4, DrainTimeout: 10 * time.Second},
		DatabaseURL:  "postgres://localhost/db",
		EventsURL:    "http://localhost/events",
		PollInterval: 250 * time.Millisecond,
	}
	got, err := Load[Dispatch](environ)
	if err != nil {
		t.Fatalf("Load() error = %v, want nil", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Load() differs (-want +got):\n%s", diff)
	}
}

func TestLoadNamesMissingVariables(t *testing.T) {
	for _, environ := range [][]string{nil, {"DATABASE_URL="}} {
		_, err := Load[Migrate](environ)
		if got := messageOf(err); !strings.Contains(got, "DATABASE_URL") {
			t.Errorf("Load(%q) error = %q, want one that names DATABASE_URL", environ, got)
		}
	}
}

func TestLoadRefusesValues(t *testing.T) {
	environ := []string{
		"DATABASE_URL=postgres://localhost/db", "GRPC_ADDRESS=:9090", "EVENTS_URL=http://localhost/events", "POLL_INTERVAL=1s",
		"HTTP_ADDRESS=:8080", "LOG_LEVEL=INFO", "DRAIN_DELAY=1s", "DRAIN_TIMEOUT=10s",
	}
	for _, setting := range []string{"LOG_LEVEL=loud", "DRAIN_DELAY=3", "DRAIN_DELAY=10s", "DRAIN_DELAY=-1s", "DRAIN_TIMEOUT=0s"} {
		_, err := Load[Serve](append(environ, setting))
		expectName(t, setting, err)
	}
	for _, setting := range []string{"EVENTS_URL=broker", "EVENTS_URL=ftp://broker/", "POLL_INTERVAL=0s", "DRAIN_TIMEOUT=0s"} {
		_, err := Load[Dispatch](append(environ, setting))
		expectName(t, setting, err)
	}
}

func expectName(t *testing.T, setting string, err error) {
	t.Helper()
	name, _, _ := strings.Cut(setting, "=")
	if got := messageOf(err); !strings.Contains(got, name) {
		t.Errorf("Load() with %s: error = %q, want one that names %s", setting, got, name)
	}
}

func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
