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
	"ENGINE_URL=https://zeebe.example.com/c1", "ENGINE_AUTH=none", "ACCEPT_CALLERS=anyone",
	"WORK_URL=https://work.example.com/orders",
}

func with(more ...string) []string { return append(slices.Clone(environ), more...) }

func TestDefaultsNeedNoTenants(t *testing.T) {
	got, err := LoadServe([]string{"ENGINE_URL=http://localhost:8080", "ENGINE_AUTH=none", "ACCEPT_CALLERS=anyone", "WORK_URL=http://localhost:8082"})
	if err != nil || got.MaxJobs != 16 || got.JobTimeout != time.Minute || got.Tenants != nil {
		t.Errorf("LoadServe() = %+v, %v; want 16 jobs, a minute for each, and no tenants", got, err)
	}
}

func TestCredentialsAreThoseOfTheirKind(t *testing.T) {
	got, err := LoadDeploy([]string{
		"ENGINE_URL=https://zeebe.example.com", "ENGINE_AUTH=oauth", "ENGINE_TOKEN_URL=https://login.example.com/token",
		"ENGINE_CLIENT_ID=me", "ENGINE_CLIENT_SECRET=hush", "ENGINE_AUDIENCE=zeebe", "ENGINE_USERNAME=not read",
	})
	if err != nil {
		t.Fatalf("LoadDeploy() error = %v, want nil", err)
	}
	want := OAuth{TokenURL: Address{url.URL{Scheme: "https", Host: "login.example.com", Path: "/token"}}, ClientID: "me", ClientSecret: "hush", Audience: "zeebe"}
	if diff := cmp.Diff(want, got.OAuth); diff != "" {
		t.Errorf("OAuth differs (-want +got):\n%s", diff)
	}
	if got.Basic != (Basic{}) {
		t.Errorf("Basic = %v, want nothing", got.Basic)
	}
}

func TestStartNamesWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		environ []string
		want    []string
	}{
		{nil, []string{"ENGINE_URL", "ENGINE_AUTH", "ACCEPT_CALLERS", "WORK_URL"}},
		{with("ENGINE_URL="), []string{"ENGINE_URL"}},
		{with("ENGINE_AUTH=basic"), []string{"ENGINE_USERNAME", "ENGINE_PASSWORD"}},
		{with("ENGINE_AUTH=oauth"), []string{"ENGINE_TOKEN_URL", "ENGINE_CLIENT_ID", "ENGINE_CLIENT_SECRET", "ENGINE_AUDIENCE"}},
	} {
		if _, err := LoadServe(test.environ); !inOrder(messageOf(err), test.want...) {
			t.Errorf("LoadServe(%q) error = %v, want one that names %q", test.environ, err, test.want)
		}
	}
}

func TestStartRefusesValues(t *testing.T) {
	for _, setting := range []string{
		"ENGINE_URL=zeebe:8080", "ENGINE_URL=https://", "ENGINE_URL=https://me:hush@zeebe.example.com",
		"ENGINE_URL=https://zeebe.example.com?key=hush", "ENGINE_URL=https://hush\x7f@zeebe.example.com",
		"WORK_URL=/orders", "WORK_URL=https://me:hush@work.example.com",
		"ENGINE_AUTH=token", "ACCEPT_CALLERS=tokens", "MAX_JOBS=0", "MAX_JOBS=-1", "MAX_JOBS=1000000000000", "MAX_JOBS=many",
		"JOB_TIMEOUT=0s", "JOB_TIMEOUT=-1m", "JOB_TIMEOUT=60", "RETRY_BACKOFF=0s", "MESSAGE_TTL=0s",
	} {
		name, _, _ := strings.Cut(setting, "=")
		_, err := LoadServe(with(setting))
		if got := messageOf(err); !strings.HasPrefix(got, name+": ") || strings.Contains(got, "hush") || strings.Contains(got, "\n") {
			t.Errorf("LoadServe() with %s: error = %q, want one that names %s alone, and no secret", setting, got, name)
		}
	}
	_, err := LoadServe(with("ENGINE_AUTH=oauth", "ENGINE_TOKEN_URL=login", "MAX_JOBS=0", "DRAIN_DELAY=1h"))
	if want := []string{"MAX_JOBS", "DRAIN_DELAY", "ENGINE_TOKEN_URL", "ENGINE_CLIENT_ID"}; !inOrder(messageOf(err), want...) {
		t.Errorf("LoadServe() error = %v, want one that names %q", err, want)
	}
}

// inOrder is whether all words are in text, one after the other.
func inOrder(text string, words ...string) bool {
	for _, word := range words {
		_, after, found := strings.Cut(text, word)
		if !found {
			return false
		}
		text = after
	}
	return true
}

func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
