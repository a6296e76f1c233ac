package config

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var environ = []string{
	"ENGINE_URL=https://zeebe.example.com/c1", "ENGINE_AUTH=none", "HTTP_ADDRESS=:8080", "LOG_LEVEL=WARN", "MAX_JOBS=4",
	"JOB_TIMEOUT=1m", "MESSAGE_TTL=1h", "DRAIN_DELAY=1s", "DRAIN_TIMEOUT=10s",
	"WORK_URL=https://work.example.com/orders",
}

func with(more ...string) []string { return append(slices.Clone(environ), more...) }

func TestLoadReadsEnvironment(t *testing.T) {
	want := Serve{
		Engine:       Engine{URL: url.URL{Scheme: "https", Host: "zeebe.example.com", Path: "/c1"}, Auth: "none"},
		WorkURL:      url.URL{Scheme: "https", Host: "work.example.com", Path: "/orders"},
		HTTPAddress:  ":8080",
		LogLevel:     4,
		MaxJobs:      4,
		JobTimeout:   time.Minute,
		MessageTTL:   time.Hour,
		DrainDelay:   time.Second,
		DrainTimeout: 10 * time.Second,
	}
	got, err := LoadServe(environ)
	if err != nil {
		t.Fatalf("LoadServe() error = %v, want nil", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("LoadServe() differs (-want +got):\n%s", diff)
	}
}

func TestLoadReadsCredentials(t *testing.T) {
	got, err := LoadDeploy([]string{
		"ENGINE_URL=https://zeebe.example.com", "ENGINE_AUTH=oauth", "ENGINE_TOKEN_URL=https://login.example.com/token",
		"ENGINE_CLIENT_ID=me", "ENGINE_CLIENT_SECRET=hush", "ENGINE_AUDIENCE=zeebe", "ENGINE_USERNAME=not read",
	})
	if err != nil {
		t.Fatalf("LoadDeploy() error = %v, want nil", err)
	}
	want := OAuth{TokenURL: "https://login.example.com/token", ClientID: "me", ClientSecret: "hush", Audience: "zeebe"}
	if diff := cmp.Diff(want, got.OAuth); diff != "" {
		t.Errorf("OAuth differs (-want +got):\n%s", diff)
	}
	if got.Basic != (Basic{}) {
		t.Errorf("Basic = %v, want nothing", got.Basic)
	}
}

func TestLoadNamesWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		environ []string
		want    []string
	}{
		{nil, []string{"ENGINE_URL", "ENGINE_AUTH", "HTTP_ADDRESS", "JOB_TIMEOUT", "MAX_JOBS"}},
		{with("ENGINE_URL="), []string{"ENGINE_URL"}},
		{with("ENGINE_URL=zeebe:8080"), []string{"ENGINE_URL"}},
		{with("WORK_URL=/orders"), []string{"WORK_URL"}},
		{with("ENGINE_AUTH=token"), []string{"ENGINE_AUTH", "none, basic or oauth"}},
		{with("ENGINE_AUTH=basic"), []string{"ENGINE_USERNAME", "ENGINE_PASSWORD"}},
		{with("ENGINE_AUTH=oauth"), []string{"ENGINE_TOKEN_URL", "ENGINE_CLIENT_ID", "ENGINE_CLIENT_SECRET", "ENGINE_AUDIENCE"}},
		{with("MAX_JOBS=0"), []string{"MAX_JOBS"}},
		{with("JOB_TIMEOUT=-1s"), []string{"JOB_TIMEOUT"}},
	} {
		_, err := LoadServe(test.environ)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("LoadServe(%q) error = %v, want one with %q", test.environ, err, want)
			}
		}
	}
}
