package web

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
	"github.com/acme/app/primitives/integration/orders/internal/config"
	"github.com/acme/app/primitives/integration/orders/internal/credentials"
	"github.com/acme/app/primitives/integration/orders/internal/port"
	"github.com/acme/app/primitives/integration/orders/internal/token"
	"github.com/acme/app/primitives/integration/orders/internal/tools"
)

// lab is an endpoint, an issuer of tokens for it, and the calls that reached the port.
type lab struct {
	resource, issuer string
	key              crypto.Signer
	callers          []caller.Caller
}

// service is the token of a service that may call for others.
const service = "token-of-a-service"

func start(t *testing.T) *lab {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := &oidctest.Server{
		PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "k1", Algorithm: oidc.ES256}},
		Algorithms: []string{oidc.ES256},
	}
	issuing := httptest.NewServer(issuer)
	t.Cleanup(issuing.Close)
	issuer.SetIssuer(issuing.URL)

	mux := http.NewServeMux()
	serving := httptest.NewServer(mux)
	t.Cleanup(serving.Close)
	resource, err := url.Parse(serving.URL + "/tools/mcp")
	if err != nil {
		t.Fatal(err)
	}
	services := filepath.Join(t.TempDir(), "services")
	if err := os.WriteFile(services, []byte(service+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := &lab{resource: resource.String(), issuer: issuing.URL, key: key}
	log := slog.New(slog.DiscardHandler)
	Endpoint{
		Resource: *resource,
		Issuer:   l.issuer,
		Origins:  []config.Origin{"https://app.example.com"},
		Verify:   token.New(log, token.Settings{Issuer: l.issuer, Audience: l.resource, TenantClaim: "tenantId"}).Verify,
		Services: credentials.Callers(services),
		Server:   tools.New(log, l, Caller),
		Log:      log,
	}.Register(mux)
	return l
}

// GetOrder implements port.Services.
func (l *lab) GetOrder(_ context.Context, from caller.Caller, id string) (port.Order, error) {
	l.callers = append(l.callers, from)
	return port.Order{ID: id}, nil
}

// RequestOrder implements port.Services.
func (l *lab) RequestOrder(context.Context, caller.Caller, port.Request) (port.Accepted, error) {
	return port.Accepted{}, port.ErrNotFound
}

// sign returns a token of alice for an audience.
func (l *lab) sign(audience, scope string, lifetime time.Duration) string {
	return oidctest.SignIDToken(l.key, "k1", oidc.ES256, fmt.Sprintf(
		`{"iss":%q,"aud":%q,"exp":%d,"sub":"alice","tenantId":"acme","scope":%q}`,
		l.issuer, audience, time.Now().Add(lifetime).Unix(), scope))
}

func (l *lab) token() string { return l.sign(l.resource, "openid "+Scope, time.Hour) }

// bearer sends a token and a trace with each request.
type bearer struct{ token, trace string }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	r.Header.Set("Traceparent", b.trace)
	return http.DefaultTransport.RoundTrip(r)
}

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestClientsCallTools(t *testing.T) {
	l := start(t)
	for _, version := range []string{"2026-07-28", "2025-11-25"} {
		l.callers = nil
		client, err := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil).Connect(t.Context(), &mcp.StreamableClientTransport{
			Endpoint:   l.resource,
			HTTPClient: &http.Client{Transport: bearer{l.token(), trace}},
		}, &mcp.ClientSessionOptions{ProtocolVersion: version})
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		if got := client.InitializeResult().ProtocolVersion; got != version {
			t.Errorf("version = %q, want %q", got, version)
		}
		if listed, err := client.ListTools(t.Context(), nil); err != nil || len(listed.Tools) == 0 {
			t.Errorf("%s: ListTools() = %v, %v, want tools", version, listed, err)
		}
		arguments := map[string]any{"id": "i1"}
		result, err := client.CallTool(t.Context(), &mcp.CallToolParams{Name: "get_order", Arguments: arguments})
		if err != nil || result.IsError {
			t.Errorf("%s: get = %v, %v, want one", version, result, err)
		}
		if diff := cmp.Diff([]caller.Caller{{Tenant: "acme", Subject: "alice", TraceParent: trace}}, l.callers); diff != "" {
			t.Errorf("%s: callers differ (-want +got):\n%s", version, diff)
		}
		if err := client.Close(); err != nil {
			t.Errorf("%s: Close() error = %v, want nil", version, err)
		}
	}
}

// request is one that is fine, but for what a test changes.
func (l *lab) request(t *testing.T, method, body string, change func(*http.Request)) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, l.resource, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+l.token())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	change(req)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`

func TestRequestNeedsNoSession(t *testing.T) {
	l := start(t)
	resp := l.request(t, http.MethodPost, list, func(*http.Request) {})
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"name":"get_order"`) {
		t.Errorf("POST = %d %s, %v, want 200 with the tools", resp.StatusCode, body, err)
	}
	if got := resp.Header.Get("Mcp-Session-Id"); got != "" {
		t.Errorf("session = %q, want none", got)
	}
}

func TestRefusals(t *testing.T) {
	l := start(t)
	use := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, test := range []struct {
		name, method, body string
		change             func(*http.Request)
		want               int
	}{
		{"another origin", http.MethodPost, list, header("Origin", "https://evil.example.com"), http.StatusForbidden},
		{"no origin at all", http.MethodPost, list, header("Origin", "null"), http.StatusForbidden},
		{"preflight of another origin", http.MethodOptions, "", header("Origin", "http://app.example.com"), http.StatusForbidden},
		{"another host", http.MethodPost, list, func(r *http.Request) { r.Host = "evil.example.com" }, http.StatusForbidden},
		{"no token", http.MethodPost, list, func(r *http.Request) { r.Header.Del("Authorization") }, http.StatusUnauthorized},
		{"other credentials", http.MethodPost, list, header("Authorization", "Basic YTpi"), http.StatusUnauthorized},
		{"broken token", http.MethodPost, list, use("secret"), http.StatusUnauthorized},
		{"another audience", http.MethodPost, list, use(l.sign("https://other.example.com", Scope, time.Hour)), http.StatusUnauthorized},
		{"expired token", http.MethodPost, list, use(l.sign(l.resource, Scope, -time.Minute)), http.StatusUnauthorized},
		{"another scope", http.MethodPost, list, use(l.sign(l.resource, "openid", time.Hour)), http.StatusForbidden},
		{"stream", http.MethodGet, "", func(*http.Request) {}, http.StatusMethodNotAllowed},
		{"no JSON", http.MethodPost, list, header("Content-Type", "text/plain"), http.StatusUnsupportedMediaType},
		{"large body", http.MethodPost, strings.Repeat(" ", maxBody+1), func(*http.Request) {}, http.StatusRequestEntityTooLarge},
	} {
		resp := l.request(t, test.method, test.body, test.change)
		if resp.StatusCode != test.want {
			t.Errorf("%s: %d, want %d", test.name, resp.StatusCode, test.want)
		}
		challenge := resp.Header.Get("WWW-Authenticate")
		if (resp.StatusCode == http.StatusUnauthorized) != strings.Contains(challenge, "resource_metadata") &&
			test.name != "another scope" {
			t.Errorf("%s: %d with challenge %q, want one exactly with 401", test.name, resp.StatusCode, challenge)
		}
	}
	if l.callers != nil {
		t.Errorf("calls that reached the port = %v, want none", l.callers)
	}
}

func TestServicesCallForOthers(t *testing.T) {
	l := start(t)
	const get = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_order","arguments":{"id":"i1"}}}`
	for _, test := range []struct {
		token   string
		tenants []string
		subject string
		want    int
	}{
		{service, []string{"other"}, "bob", http.StatusOK},
		{service, []string{"other"}, "", http.StatusOK},
		{service, nil, "bob", http.StatusUnauthorized},
		{service, []string{""}, "bob", http.StatusBadRequest},
		{service, []string{"two words"}, "bob", http.StatusBadRequest},
		{service, []string{"acme", "other"}, "bob", http.StatusBadRequest},
		{service, []string{"other"}, "two words", http.StatusBadRequest},
		{service, []string{"other"}, strings.Repeat("b", 201), http.StatusBadRequest},
		{"another", []string{"other"}, "bob", http.StatusUnauthorized},
		{"another", []string{""}, "bob", http.StatusUnauthorized},
		{l.token(), []string{"other"}, "bob", http.StatusUnauthorized},
	} {
		l.callers = nil
		resp := l.request(t, http.MethodPost, get, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+test.token)
			r.Header["Tenant-Id"] = test.tenants
			r.Header.Set("Subject-Id", test.subject)
		})
		var want []caller.Caller
		if test.want == http.StatusOK {
			want = []caller.Caller{{Tenant: "other", Subject: test.subject}}
		}
		if diff := cmp.Diff(want, l.callers); diff != "" || resp.StatusCode != test.want {
			t.Errorf("tenants %q, subject %.20q: %d, want %d; callers differ (-want +got):\n%s", test.tenants, test.subject, resp.StatusCode, test.want, diff)
		}
	}
}

func TestChallengeLeadsToIssuer(t *testing.T) {
	l := start(t)
	resp := l.request(t, http.MethodPost, list, func(r *http.Request) { r.Header.Del("Authorization") })
	_, rest, _ := strings.Cut(resp.Header.Get("WWW-Authenticate"), `resource_metadata="`)
	address, _, _ := strings.Cut(rest, `"`)
	if want := strings.Replace(l.resource, "/tools/mcp", "/.well-known/oauth-protected-resource/tools/mcp", 1); address != want {
		t.Fatalf("address of the metadata = %q, want %q", address, want)
	}
	metadata, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = metadata.Body.Close() }()
	var got map[string]any
	if err := json.NewDecoder(metadata.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"resource": l.resource, "authorization_servers": []any{l.issuer},
		"scopes_supported": []any{"mcp:tools"}, "bearer_methods_supported": []any{"header"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata differs (-want +got):\n%s", diff)
	}
}

func TestAllowedPagesMayCall(t *testing.T) {
	l := start(t)
	const origin = "https://app.example.com"
	preflight := l.request(t, http.MethodOptions, "", func(r *http.Request) {
		r.Header.Del("Authorization")
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", http.MethodPost)
	})
	if got := preflight.Header.Get("Access-Control-Allow-Headers"); preflight.StatusCode != http.StatusNoContent ||
		!strings.Contains(got, "Authorization") {
		t.Errorf("OPTIONS = %d, allowing %q, want 204, allowing Authorization", preflight.StatusCode, got)
	}
	call := l.request(t, http.MethodPost, list, func(r *http.Request) { r.Header.Set("Origin", origin) })
	if call.StatusCode != http.StatusOK {
		t.Errorf("POST = %d, want 200", call.StatusCode)
	}
	for _, resp := range []*http.Response{preflight, call} {
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != origin {
			t.Errorf("allowed origin = %q, want %q", got, origin)
		}
	}
}

func TestHostMayNameItsPort(t *testing.T) {
	for _, test := range []struct {
		resource, host string
		want           int
	}{
		{"https://tools.example.com/mcp", "Tools.example.com:443", http.StatusOK},
		{"https://tools.example.com:443/mcp", "tools.example.com", http.StatusOK},
		{"http://tools.example.com/mcp", "tools.example.com:80", http.StatusOK},
		{"https://tools.example.com/mcp", "tools.example.com:80", http.StatusForbidden},
		{"https://tools.example.com:8443/mcp", "tools.example.com", http.StatusForbidden},
		{"https://tools.example.com/mcp", "tools.example.com.evil.example.com:443", http.StatusForbidden},
	} {
		resource, err := url.Parse(test.resource)
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequest(http.MethodPost, "/mcp", nil)
		request.Host = test.host
		recorder := httptest.NewRecorder()
		next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		guard(slog.New(slog.DiscardHandler), *resource, nil, next).ServeHTTP(recorder, request)
		if recorder.Code != test.want {
			t.Errorf("%s of %s: %d, want %d", test.host, test.resource, recorder.Code, test.want)
		}
	}
}

func TestUncheckedRequestsTakeNoPlace(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	mux := http.NewServeMux()
	log := slog.New(slog.DiscardHandler)
	Endpoint{
		Resource: url.URL{Scheme: "https", Host: "tools.example.com", Path: "/mcp"},
		Verify: func(_ context.Context, raw string, _ *http.Request) (*auth.TokenInfo, error) {
			if raw == "slow" {
				entered <- struct{}{}
				<-leave
				return nil, auth.ErrInvalidToken
			}
			return token.Info("acme", "alice", time.Now().Add(time.Hour), Scope), nil
		},
		Server: tools.New(log, new(lab), Caller),
		Log:    log,
	}.Register(mux)
	status := func(token string) int {
		request := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(list))
		request.Host = "tools.example.com"
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", "application/json, text/event-stream")
		recorder := httptest.NewRecorder()
		mux.ServeHTTP(recorder, request)
		return recorder.Code
	}
	var group sync.WaitGroup
	for range maxRequests {
		group.Go(func() { status("slow") })
	}
	for range maxRequests {
		<-entered
	}
	if got := status("good"); got != http.StatusOK {
		t.Errorf("with a token, beside %d that are being checked = %d, want 200", maxRequests, got)
	}
	close(leave)
	group.Wait()
}

func TestLimit(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	handler := limit(1, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-leave }))
	status := func() int {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", nil))
		return recorder.Code
	}
	first := make(chan int)
	go func() { first <- status() }()
	<-entered
	if got := status(); got != http.StatusServiceUnavailable {
		t.Errorf("second at once = %d, want 503", got)
	}
	close(leave)
	if got := <-first; got != http.StatusOK {
		t.Errorf("first = %d, want 200", got)
	}
	go func() { <-entered }()
	if got := status(); got != http.StatusOK {
		t.Errorf("next = %d, want 200", got)
	}
}
