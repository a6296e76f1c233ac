package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLoadReadsEnvironment(t *testing.T) {
	environ := []string{
		"DATABASE_URL=postgres://localhost/db", "ACCEPT_CALLERS=/run/tokens", "HTTP_ADDRESS=:8081", "LOG_LEVEL=WARN",
		"DRAIN_DELAY=1s", "DRAIN_TIMEOUT=11s",
	}
	want := Serve{
		Database:     Database{DatabaseURL: "postgres://localhost/db"},
		Callers:      "/run/tokens",
		HTTPAddress:  ":8081",
		LogLevel:     4,
		DrainDelay:   time.Second,
		DrainTimeout: 11 * time.Second,
	}
	got, err := Load[Serve](environ)
	if err != nil {
		t.Fatalf("Load() error = %v, want nil", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Load() differs (-want +got):\n%s", diff)
	}
}

func TestLoadNamesMissingVariables(t *testing.T) {
	_, err := Load[Serve]([]string{"DATABASE_URL=", "LOG_LEVEL=loud"})
	for _, name := range []string{"DATABASE_URL", "ACCEPT_CALLERS", "LOG_LEVEL"} {
		if got := messageOf(err); !strings.Contains(got, name) {
			t.Errorf("Load() error = %q, want one that names %s", got, name)
		}
	}
}

func TestLoadRefusesValues(t *testing.T) {
	environ := []string{
		"DATABASE_URL=postgres://localhost/db", "ACCEPT_CALLERS=anyone", "DRAIN_DELAY=1s", "DRAIN_TIMEOUT=10s",
	}
	for _, setting := range []string{"LOG_LEVEL=loud", "DRAIN_DELAY=3", "DRAIN_DELAY=10s", "DRAIN_DELAY=-1s", "DRAIN_TIMEOUT=0s", "ACCEPT_CALLERS=all"} {
		_, err := Load[Serve](append(environ, setting))
		name, _, _ := strings.Cut(setting, "=")
		if got := messageOf(err); !strings.Contains(got, name) {
			t.Errorf("Load() with %s: error = %q, want one that names %s", setting, got, name)
		}
	}
}

func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
