package config

import (
	"crypto/ed25519"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

var environ = []string{
	"QUERY_URL=http://view:8080/v1/orders", "REQUEST_URL=http://orders:8080/acme.v1.Orders/CreateOrder",
	"RESOURCE_URL=https://tools.example.com/mcp", "ISSUER_URL=https://id.example.com/realms/acme",
	"ALLOWED_ORIGINS=https://app.example.com,http://localhost:3000",
	"HTTP_ADDRESS=:8080", "LOG_LEVEL=WARN", "DRAIN_DELAY=1s", "DRAIN_TIMEOUT=10s",
	"TENANT_ID=acme", "SUBJECT=alice", "TENANT_CLAIM=org", "SERVICE_TOKEN_FILE=/run/token", "ACCEPT_CALLERS=/run/tokens",
}

func TestLoadReadsEnvironment(t *testing.T) {
	backend := Backend{
		QueryURL: "http://view:8080/v1/orders", RequestURL: "http://orders:8080/acme.v1.Orders/CreateOrder",
		ServiceToken: "/run/token",
	}
	wantServe := Serve{
		Backend:        backend,
		Resource:       Resource{url.URL{Scheme: "https", Host: "tools.example.com", Path: "/mcp"}},
		IssuerURL:      "https://id.example.com/realms/acme",
		TenantClaim:    "org",
		Services:       "/run/tokens",
		AllowedOrigins: []Origin{"https://app.example.com", "http://localhost:3000"},
		HTTPAddress:    ":8080",
		LogLevel:       4,
		DrainDelay:     time.Second,
		DrainTimeout:   10 * time.Second,
	}
	expect(t, wantServe, environ)
	expect(t, Stdio{Backend: backend, Tenant: "acme", Subject: "alice", LogLevel: 4}, environ)
	wantServe.AllowedOrigins = nil
	expect(t, wantServe, append(environ, "ALLOWED_ORIGINS="))
}

func expect[T Settings](t *testing.T, want T, environ []string) {
	t.Helper()
	got, err := Load[T](environ)
	if err != nil {
		t.Fatalf("Load() error = %v, want nil", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Load() differs (-want +got):\n%s", diff)
	}
}

func TestLoadNamesMissingVariables(t *testing.T) {
	_, err := Load[Serve](nil)
	for _, name := range []string{"QUERY_URL", "REQUEST_URL", "RESOURCE_URL", "ISSUER_URL"} {
		if got := messageOf(err); !strings.Contains(got, name) {
			t.Errorf("Load() error = %q, want one that names %s", got, name)
		}
	}
	_, err = Load[Stdio](append(environ, "SUBJECT="))
	if got := messageOf(err); !strings.Contains(got, "SUBJECT") {
		t.Errorf("Load() error = %q, want one that names SUBJECT", got)
	}
}

func TestLoadRefusesValues(t *testing.T) {
	for _, setting := range []string{
		"RESOURCE_URL=tools.example.com/mcp", "RESOURCE_URL=https://tools.example.com", "RESOURCE_URL=https://tools.example.com/",
		"RESOURCE_URL=https://tools.example.com/mcp?a=b", "RESOURCE_URL=https://me:secret@tools.example.com/mcp",
		"RESOURCE_URL=https://tools.example.com/{id}", "RESOURCE_URL=ftp://tools.example.com/mcp",
		"ALLOWED_ORIGINS=*", "ALLOWED_ORIGINS=https://app.example.com/", "ALLOWED_ORIGINS=app.example.com",
		"ALLOWED_ORIGINS=https://app.example.com,null",
		"QUERY_URL=http://view:8080/v1/orders?after=a", "QUERY_URL=view:8080", "REQUEST_URL=work", "ISSUER_URL=id.example.com",
		"LOG_LEVEL=loud", "DRAIN_DELAY=3", "DRAIN_DELAY=10s", "DRAIN_TIMEOUT=0s",
	} {
		_, err := Load[Serve](append(environ, setting))
		name, _, _ := strings.Cut(setting, "=")
		if got := messageOf(err); !strings.Contains(got, name) || strings.Contains(got, "secret") {
			t.Errorf("Load() with %s: error = %q, want one that names %s, without secrets", setting, got, name)
		}
	}
}

func TestLoadRefusesNames(t *testing.T) {
	for _, setting := range []string{"TENANT_ID=ac me", "SUBJECT=al\nice", "SUBJECT=" + strings.Repeat("a", 201)} {
		_, err := Load[Stdio](append(environ, setting))
		name, _, _ := strings.Cut(setting, "=")
		if got := messageOf(err); !strings.Contains(got, name) {
			t.Errorf("Load() with %.20q: error = %q, want one that names %s", setting, got, name)
		}
	}
}

func TestLoadHasDefaults(t *testing.T) {
	got, err := Load[Serve](environ[:4])
	if err != nil {
		t.Fatalf("Load() error = %v, want nil", err)
	}
	if got.HTTPAddress != ":8080" || got.TenantClaim != "tenantId" || got.AllowedOrigins != nil || got.Keys.Keys != nil {
		t.Errorf("Load() = %+v, want the address :8080, the claim tenantId, no origins and no keys", got)
	}
}

func TestLoadReadsKeys(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "jwks.json")
	for _, test := range []struct {
		keys []any
		want string
	}{
		{[]any{public}, ""},
		{[]any{public, private}, "not public"},
		{nil, "no keys"},
	} {
		set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
		for _, key := range test.keys {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: key, KeyID: "k1"})
		}
		data, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load[Serve](append(environ, "JWKS_FILE="+path))
		if test.want != "" {
			if message := messageOf(err); !strings.Contains(message, "JWKS_FILE") || !strings.Contains(message, test.want) {
				t.Errorf("Load() error = %q, want one with JWKS_FILE and %q", message, test.want)
			}
			continue
		}
		if err != nil || len(got.Keys.Keys) != 1 || !public.Equal(got.Keys.Keys[0]) {
			t.Errorf("Load() = %v, %v; want one key, nil", got.Keys, err)
		}
	}
	_, err = Load[Serve](append(environ, "JWKS_FILE="+path+".missing"))
	if message := messageOf(err); !strings.Contains(message, "JWKS_FILE") {
		t.Errorf("Load() error = %q, want one that names JWKS_FILE", message)
	}
}

func messageOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
