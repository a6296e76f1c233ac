package token

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/auth"
)

const audience = "https://tools.example.com/mcp"

var discard = slog.New(slog.DiscardHandler)

func settings(issuer string) Settings {
	return Settings{Issuer: issuer, Audience: audience, TenantClaim: "tenantId"}
}

// issue starts an issuer and returns it with its signing key.
func issue(t *testing.T) (*httptest.Server, crypto.Signer) {
	t.Helper()
	key := newKey(t)
	issuer := &oidctest.Server{
		PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "k1", Algorithm: oidc.ES256}},
		Algorithms: []string{oidc.ES256},
	}
	server := httptest.NewServer(issuer)
	t.Cleanup(server.Close)
	issuer.SetIssuer(server.URL)
	return server, key
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestVerify(t *testing.T) {
	issuer, key := issue(t)
	expiry := time.Now().Add(time.Hour).Truncate(time.Second)
	raw := oidctest.SignIDToken(key, "k1", oidc.ES256, fmt.Sprintf(
		`{"iss":%q,"aud":[%q,"other"],"exp":%d,"sub":"alice","tenantId":"acme","scope":"openid mcp:tools"}`,
		issuer.URL, audience, expiry.Unix()))
	got, err := New(discard, settings(issuer.URL)).Verify(t.Context(), raw, nil)
	if err != nil {
		t.Fatalf("Verify() error = %v, want nil", err)
	}
	want := &auth.TokenInfo{
		Scopes: []string{"openid", "mcp:tools"}, Expiration: expiry, UserID: "alice", Extra: map[string]any{"tenant": "acme"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Verify() differs (-want +got):\n%s", diff)
	}
}

func TestVerify_Claims(t *testing.T) {
	issuer, key := issue(t)
	own := settings(issuer.URL)
	own.TenantClaim = "https://acme.example.com/org"
	for _, test := range []struct {
		claims string
		want   []string
	}{
		{`"scope":"openid mcp:tools"`, []string{"openid", "mcp:tools"}},
		{`"scope":["openid","mcp:tools",7]`, []string{"openid", "mcp:tools"}},
		{`"scp":"mcp:tools"`, []string{"mcp:tools"}},
		{`"scp":["mcp:tools"],"scope":"openid"`, []string{"openid", "mcp:tools"}},
		{`"scope":7`, nil},
	} {
		raw := oidctest.SignIDToken(key, "k1", oidc.ES256, fmt.Sprintf(
			`{"iss":%q,"aud":%q,"exp":%d,"sub":"alice","https://acme.example.com/org":"acme",%s}`,
			issuer.URL, audience, time.Now().Add(time.Hour).Unix(), test.claims))
		got, err := New(discard, own).Verify(t.Context(), raw, nil)
		if err != nil {
			t.Fatalf("Verify() with %s: error = %v, want nil", test.claims, err)
		}
		if diff := cmp.Diff(test.want, got.Scopes); diff != "" || Tenant(got) != "acme" {
			t.Errorf("Verify() with %s: tenant %q, scopes differ (-want +got):\n%s", test.claims, Tenant(got), diff)
		}
	}
}

func TestVerify_StaticKeys(t *testing.T) {
	const issuer = "http://127.0.0.1:1"
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	known := settings(issuer)
	known.Keys = []crypto.PublicKey{newKey(t).Public(), key.Public()}
	v := New(discard, known)
	if err := v.Ready(t.Context()); err != nil {
		t.Errorf("Ready() error = %v, want nil", err)
	}
	for _, test := range []struct {
		signer    crypto.Signer
		algorithm string
		want      error
	}{
		{key, oidc.RS256, nil}, {key, oidc.PS256, nil}, {newKey(t), oidc.ES256, auth.ErrInvalidToken},
	} {
		raw := oidctest.SignIDToken(test.signer, "k1", test.algorithm, fmt.Sprintf(
			`{"iss":%q,"aud":%q,"exp":%d,"sub":"alice","tenantId":"acme"}`, issuer, audience, time.Now().Add(time.Hour).Unix()))
		if _, err := v.Verify(t.Context(), raw, nil); !errors.Is(err, test.want) {
			t.Errorf("Verify() of %s error = %v, want %v", test.algorithm, err, test.want)
		}
	}
}

func TestVerify_InvalidToken(t *testing.T) {
	issuer, key := issue(t)
	valid := map[string]string{
		"iss": fmt.Sprintf("%q", issuer.URL), "aud": fmt.Sprintf("%q", audience), "sub": `"alice"`, "tenantId": `"acme"`,
		"exp": fmt.Sprint(time.Now().Add(time.Hour).Unix()),
	}
	sign := func(key crypto.Signer, claim, value string) string {
		var claims []string
		for name, known := range valid {
			if name == claim {
				known = value
			}
			if known != "" {
				claims = append(claims, fmt.Sprintf("%q:%s", name, known))
			}
		}
		return oidctest.SignIDToken(key, "k1", oidc.ES256, "{"+strings.Join(claims, ",")+"}")
	}
	v := New(discard, settings(issuer.URL))
	if _, err := v.Verify(t.Context(), sign(key, "", ""), nil); err != nil {
		t.Fatalf("Verify() of the valid token: error = %v, want nil", err)
	}
	signed := strings.Split(sign(key, "", ""), ".")
	for name, raw := range map[string]string{
		"no token":          "secret",
		"another key":       sign(newKey(t), "", ""),
		"another issuer":    sign(key, "iss", `"https://elsewhere.example.com"`),
		"another audience":  sign(key, "aud", `"https://other.example.com/mcp"`),
		"no audience":       sign(key, "aud", ""),
		"expired":           sign(key, "exp", fmt.Sprint(time.Now().Add(-time.Minute).Unix())),
		"without an expiry": sign(key, "exp", ""),
		"not valid yet":     sign(key, "sub", fmt.Sprintf(`"alice","nbf":%d`, time.Now().Add(time.Hour).Unix())),
		"no subject":        sign(key, "sub", ""),
		"no tenant":         sign(key, "tenantId", ""),
		"tenant is a list":  sign(key, "tenantId", `["acme"]`),
		"space in tenant":   sign(key, "tenantId", `"ac me"`),
		"space in subject":  sign(key, "sub", `"al ice"`),
		"without signature": "eyJhbGciOiJub25lIn0." + signed[1] + ".",
	} {
		_, err := v.Verify(t.Context(), raw, nil)
		if !errors.Is(err, auth.ErrInvalidToken) || err.Error() != auth.ErrInvalidToken.Error() {
			t.Errorf("%s: Verify() error = %v, want exactly %v", name, err, auth.ErrInvalidToken)
		}
	}
}

func TestReady_IssuerDiscovery(t *testing.T) {
	issuer, key := issue(t)
	missing := New(discard, settings("http://127.0.0.1:1"))
	if err := missing.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "ISSUER_URL") {
		t.Errorf("Ready() without an issuer: error = %v, want one that names ISSUER_URL", err)
	}
	if _, err := missing.Verify(t.Context(), "token", nil); err == nil || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("Verify() without an issuer: error = %v, want one without the cause", err)
	}
	found := New(discard, settings(issuer.URL))
	ctx, cancel := context.WithCancel(t.Context())
	if err := found.Ready(ctx); err != nil {
		t.Errorf("Ready() error = %v, want nil", err)
	}
	cancel()
	raw := oidctest.SignIDToken(key, "k1", oidc.ES256, fmt.Sprintf(
		`{"iss":%q,"aud":%q,"exp":%d,"sub":"alice","tenantId":"acme"}`, issuer.URL, audience, time.Now().Add(time.Hour).Unix()))
	if _, err := found.Verify(t.Context(), raw, nil); err != nil {
		t.Errorf("Verify() after the context of Ready() ended: error = %v, want nil", err)
	}
	issuer.Close()
	if err := found.Ready(t.Context()); err != nil {
		t.Errorf("Ready() after the issuer went away: error = %v, want nil", err)
	}
	if _, err := found.Verify(t.Context(), raw, nil); err != nil {
		t.Errorf("Verify() after the issuer went away: error = %v, want nil", err)
	}
}

func TestReady_EmptyKeySet(t *testing.T) {
	issuer := &oidctest.Server{}
	server := httptest.NewServer(issuer)
	t.Cleanup(server.Close)
	issuer.SetIssuer(server.URL)
	v := New(discard, settings(server.URL))
	if err := v.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "has no keys") {
		t.Errorf("Ready() with an empty key set: error = %v, want one that says so", err)
	}
	issuer.PublicKeys = []oidctest.PublicKey{{PublicKey: newKey(t).Public(), KeyID: "k1", Algorithm: oidc.ES256}}
	if err := v.Ready(t.Context()); err != nil {
		t.Errorf("Ready() once there is a key: error = %v, want nil", err)
	}
}

func TestVerify_KeysUnavailable(t *testing.T) {
	issuer, key := issue(t)
	var out atomic.Bool
	// A proxy of the issuer whose keys can be unavailable.
	var front *httptest.Server
	front = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/openid-configuration" && out.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		recorder := httptest.NewRecorder()
		issuer.Config.Handler.ServeHTTP(recorder, r)
		w.Header().Set("Content-Type", recorder.Header().Get("Content-Type"))
		_, _ = w.Write(bytes.ReplaceAll(recorder.Body.Bytes(), []byte(issuer.URL), []byte(front.URL)))
	}))
	t.Cleanup(front.Close)
	sign := func(id string) string {
		return oidctest.SignIDToken(key, id, oidc.ES256, fmt.Sprintf(
			`{"iss":%q,"aud":%q,"exp":%d,"sub":"alice","tenantId":"acme"}`, front.URL, audience, time.Now().Add(time.Hour).Unix()))
	}
	v := New(discard, settings(front.URL))
	unchecked := func(when, raw string) {
		t.Helper()
		if _, err := v.Verify(t.Context(), raw, nil); err == nil || errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("Verify() %s: error = %v, want one that is not %v", when, err, auth.ErrInvalidToken)
		}
	}
	out.Store(true)
	if err := v.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "ISSUER_URL") {
		t.Errorf("Ready() without keys: error = %v, want one that names ISSUER_URL", err)
	}
	unchecked("without keys", sign("k1"))
	out.Store(false)
	if err := v.Ready(t.Context()); err != nil {
		t.Fatalf("Ready() error = %v, want nil", err)
	}
	out.Store(true)
	if _, err := v.Verify(t.Context(), sign("k1"), nil); err != nil {
		t.Errorf("Verify() by a key that Ready() has fetched: error = %v, want nil", err)
	}
	unchecked("by a key that is new during an outage", sign("k2"))
	out.Store(false)
	if _, err := v.Verify(t.Context(), sign("k2"), nil); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("Verify() by a key that is not the issuer's: error = %v, want %v", err, auth.ErrInvalidToken)
	}
}

func TestReady_SharesDiscovery(t *testing.T) {
	var searches atomic.Int32
	entered, leave := make(chan struct{}), make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		searches.Add(1)
		close(entered)
		<-leave
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer silent.Close()
	v := New(discard, settings(silent.URL))
	first := make(chan error, 1)
	go func() { first <- v.Ready(context.WithoutCancel(t.Context())) }()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := v.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Ready() during another search: error = %v, want %v", err, context.DeadlineExceeded)
	}
	close(leave)
	if err := <-first; err == nil {
		t.Error("Ready() without an issuer: error = nil, want one")
	}
	if got, want := searches.Load(), int32(1); got != want {
		t.Errorf("searches = %d, want %d", got, want)
	}
}
