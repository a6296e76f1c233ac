// Package issuertest provides an issuer of tokens for tests.
package issuertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Issuer issues tokens and publishes its keys. Use [Start].
type Issuer struct {
	// URL is its address, and the claim iss of its tokens.
	URL string
	t   *testing.T

	mu      sync.Mutex
	keys    []jose.JSONWebKey
	answer  http.HandlerFunc
	fetches int
}

// Start starts an issuer with one key.
func Start(t *testing.T) *Issuer {
	t.Helper()
	i := &Issuer{t: t}
	i.Rotate()
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Rotate replaces the key, with which tokens are signed from now on.
func (i *Issuer) Rotate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []jose.JSONWebKey{{Key: key, KeyID: rand.Text(), Algorithm: string(jose.ES256)}}
}

// Answer replaces the answers for keys, until it is called with nil.
func (i *Issuer) Answer(answer http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = answer
}

// Fetches returns how often the keys were asked for.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/keys" {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
		return
	}
	i.mu.Lock()
	i.fetches++
	answer, set := i.answer, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.keys[0].Public()}}
	i.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(set)
}

// Sign returns a token for an audience that is valid for an hour. The claims replace its own; nil removes one.
func (i *Issuer) Sign(audience any, claims map[string]any) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.SignWith(jose.ES256, i.keys[0], audience, claims)
}

// SignUnknown is Sign with a key that is not published.
func (i *Issuer) SignUnknown(audience any, claims map[string]any) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	return i.SignWith(jose.ES256, jose.JSONWebKey{Key: key, KeyID: rand.Text()}, audience, claims)
}

// SignWith is Sign with a key of the caller.
func (i *Issuer) SignWith(algorithm jose.SignatureAlgorithm, key jose.JSONWebKey, audience any, claims map[string]any) string {
	all := map[string]any{"iss": i.URL, "aud": audience, "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, nil)
	if err == nil {
		var raw string
		if raw, err = jwt.Signed(signer).Claims(all).Serialize(); err == nil {
			return raw
		}
	}
	panic(fmt.Sprintf("sign a token: %v", err))
}
