package issuer

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// serve starts a server that publishes a document with the address of its keys, and a key set, to those with a token.
func serve(t *testing.T, document func(self string) map[string]string, keys func() string) Server {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer mine":
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(document(server.URL))
		case r.URL.Path == "/keys":
			_, _ = io.WriteString(w, keys())
		default:
			http.Redirect(w, r, "/keys", http.StatusFound)
		}
	}))
	t.Cleanup(server.Close)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return Server{URL: server.URL, CAFile: write(t, string(certificate)), TokenFile: write(t, "mine\n")}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func own(self string) map[string]string {
	return map[string]string{"issuer": self, "jwks_uri": self + "/keys"}
}

func TestServer_Keys(t *testing.T) {
	key := newKey(t)
	set := func(keys ...jose.JSONWebKey) func() string {
		text, err := json.Marshal(map[string]any{"keys": append(keys, jose.JSONWebKey{Key: []byte("a secret"), KeyID: "symmetric"})})
		if err != nil {
			t.Fatal(err)
		}
		more := strings.Replace(string(text), `"keys":[`, `"keys":[{"kty":"new"},`, 1)
		return func() string { return more }
	}
	one := public(key, "k1")
	encrypting := public(key, "k2")
	encrypting.Use = "enc"
	for _, test := range []struct {
		name     string
		document func(string) map[string]string
		keys     func() string
		want     string
	}{
		{"one", own, set(one, encrypting), ""},
		{"no keys", own, set(encrypting), "has no keys"},
		{"no JSON", own, func() string { return "<html>" }, "invalid character"},
		{"another issuer", func(self string) map[string]string {
			return map[string]string{"issuer": "https://other.example.com", "jwks_uri": self + "/keys"}
		}, set(one), "says that it is the issuer"},
		{"keys without TLS", func(self string) map[string]string {
			return map[string]string{"issuer": self, "jwks_uri": strings.Replace(self, "https", "http", 1) + "/keys"}
		}, set(one), "without TLS"},
		{"keys elsewhere", func(self string) map[string]string {
			return map[string]string{"issuer": self, "jwks_uri": self + "/moved"}
		}, set(one), "status 302"},
	} {
		got, err := serve(t, test.document, test.keys).keys(t.Context())
		switch {
		case test.want != "":
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: error = %v, want one with %q", test.name, err, test.want)
			}
		case err != nil || len(got) != 1 || got[0].KeyID != "k1":
			t.Errorf("%s: keys = %+v, %v; want the one that signs", test.name, got, err)
		}
	}
}

func TestServer_Files(t *testing.T) {
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public(newKey(t), "k1")}})
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, own, func() string { return string(set) })
	if err := server.Check(); err != nil {
		t.Errorf("Check() error = %v, want nil", err)
	}
	// The files are rotated while the process runs.
	if err := os.WriteFile(server.TokenFile, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.keys(t.Context()); err == nil || !strings.Contains(err.Error(), "status 403") {
		t.Errorf("keys() with a token that is not accepted: error = %v, want the status", err)
	}
	if err := os.WriteFile(server.TokenFile, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.keys(t.Context()); err != nil {
		t.Errorf("keys() with the new token: error = %v, want nil", err)
	}
	if _, err := (Server{URL: server.URL, TokenFile: server.TokenFile}).keys(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("keys() without the CA: error = %v, want one of its certificate", err)
	}
	for name, broken := range map[string]Server{
		"a CA file that is missing":        {URL: server.URL, CAFile: server.CAFile + "-missing"},
		"a CA file without certificates":   {URL: server.URL, CAFile: write(t, "none")},
		"a token file that is missing":     {URL: server.URL, TokenFile: server.TokenFile + "-missing"},
		"an issuer that is no address":     {URL: "kubernetes"},
		"an issuer with a password":        {URL: "https://me:secret@id.example.com"},
		"an issuer with a query":           {URL: "https://id.example.com?a=b"},
		"an issuer that is not on the web": {URL: "file:///etc/keys"},
		"an issuer that is nowhere":        {},
		"an issuer without a host":         {URL: "https://"},
	} {
		if err := broken.Check(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Check() of %s: error = %v, want one without a secret", name, err)
		}
	}
}
