package config

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/acme/app/primitives/integration/orders/internal/settings"
)

var environ = []string{
	"QUERY_URL=http://view:8080/v1/orders", "REQUEST_URL=http://orders:8080/acme.v1.Orders/CreateOrder",
	"RESOURCE_URL=https://tools.example.com/mcp", "ISSUER_URL=https://id.example.com/realms/acme",
	"TENANT_ID=acme", "SUBJECT=alice",
}

func TestDefaultsLetNobodyIn(t *testing.T) {
	got, err := settings.Load[Serve](environ)
	if err != nil || got.TenantClaim != "tenantId" || got.AllowedOrigins != nil || got.Keys.Keys != nil || got.Services != "" {
		t.Errorf("Load() = %+v, %v; want the claim tenantId, and neither origins, keys nor services", got, err)
	}
}

func TestStartRefusesValues(t *testing.T) {
	for _, setting := range []string{
		"RESOURCE_URL=tools.example.com/mcp", "RESOURCE_URL=https://tools.example.com", "RESOURCE_URL=https://tools.example.com/",
		"RESOURCE_URL=https://tools.example.com/mcp?a=b", "RESOURCE_URL=https://me:secret@tools.example.com/mcp",
		"RESOURCE_URL=https://tools.example.com/{id}", "RESOURCE_URL=ftp://tools.example.com/mcp",
		"ALLOWED_ORIGINS=*", "ALLOWED_ORIGINS=https://app.example.com/", "ALLOWED_ORIGINS=app.example.com",
		"ALLOWED_ORIGINS=https://app.example.com,null",
		"QUERY_URL=http://view:8080/v1/orders?after=a", "QUERY_URL=view:8080", "REQUEST_URL=work", "ISSUER_URL=id.example.com",
	} {
		_, err := settings.Load[Serve](append(environ, setting))
		name, _, _ := strings.Cut(setting, "=")
		if got := messageOf(err); !strings.Contains(got, name) || strings.Contains(got, "secret") {
			t.Errorf("Load() with %s: error = %q, want one that names %s, without secrets", setting, got, name)
		}
	}
}

func TestStartRefusesNames(t *testing.T) {
	for _, setting := range []string{"TENANT_ID=ac me", "SUBJECT=al\nice", "SUBJECT=" + strings.Repeat("a", 201)} {
		_, err := settings.Load[Stdio](append(environ, setting))
		name, _, _ := strings.Cut(setting, "=")
		if got := messageOf(err); !strings.Contains(got, name) {
			t.Errorf("Load() with %.20q: error = %q, want one that names %s", setting, got, name)
		}
	}
}

func TestKeysAreOfAFile(t *testing.T) {
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
		got, err := settings.Load[Serve](append(environ, "JWKS_FILE="+path))
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
	_, err = settings.Load[Serve](append(environ, "JWKS_FILE="+path+".missing"))
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
