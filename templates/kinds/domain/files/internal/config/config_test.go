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
		"HTTP_ADDRESS=:8081", "LOG_LEVEL=WARN", "DRAIN_TIMEOUT=11s", "SERVICE_TOKEN_FILE=/run/token",
	}
	want := Dispatch{
		Database:     Database{DatabaseURL: "postgres://localhost/db"},
		Process:      Process{HTTPAddress: ":8081", LogLevel: 4, DrainTimeout: 11 * time.Second},
		EventsURL:    "http://localhost/events",
		ServiceToken: "/run/token",
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
	_, serve := Load[Serve]([]string{"LOG_LEVEL=loud"})
	for _, name := range []string{"DATABASE_URL", "ACCEPT_CALLERS", "LOG_LEVEL"} {
		expectName(t, name+"=", serve)
	}
	_, dispatch := Load[Dispatch]([]string{"DATABASE_URL="})
	for _, name := range []string{"DATABASE_URL", "EVENTS_URL"} {
		expectName(t, name+"=", dispatch)
	}
}

func TestLoadRefusesValues(t *testing.T) {
	environ := []string{
		"DATABASE_URL=postgres://localhost/db", "ACCEPT_CALLERS=anyone", "EVENTS_URL=http://localhost/events",
		"DRAIN_DELAY=1s", "DRAIN_TIMEOUT=10s",
	}
	for _, setting := range []string{"LOG_LEVEL=loud", "DRAIN_DELAY=3", "DRAIN_DELAY=10s", "DRAIN_DELAY=-1s", "DRAIN_TIMEOUT=0s", "ACCEPT_CALLERS=all"} {
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
