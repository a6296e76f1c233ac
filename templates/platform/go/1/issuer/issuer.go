// Package issuer verifies the JSON Web Tokens of an issuer, with the keys that it publishes by OpenID Connect Discovery.
package issuer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// leeway is how far the clocks of the issuer and of this process may differ.
	leeway = 30 * time.Second
	// maxAge is how long keys are used before they are fetched again, so that a key that the issuer removed ends.
	maxAge = 5 * time.Minute
	// cooldown is the shortest time between two fetches, whatever tokens come.
	cooldown = 10 * time.Second
	// maxWaiting is how many calls may wait for a fetch at once: those with known keys must not run out of a server's slots.
	maxWaiting = 16
)

// algorithms are the accepted ones, all with public keys.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

var (
	// ErrInvalid is returned for a token that is not accepted.
	ErrInvalid = errors.New("invalid token")
	// ErrUnavailable is returned if the keys cannot be fetched, so that a token is neither valid nor invalid.
	ErrUnavailable = errors.New("cannot fetch the keys of the issuer")
)

// Issuer verifies tokens. Use [New] or [Static].
type Issuer struct {
	url string
	// fetch is nil for static keys.
	fetch func(context.Context) ([]jose.JSONWebKey, error)

	mu   sync.Mutex
	keys []jose.JSONWebKey
	// failure is the error of the last fetch.
	failure          error
	started, fetched time.Time
	// running is closed when the current fetch ends; nil if there is none.
	running chan struct{}
	waiting int
}

// New returns an issuer that fetches its keys on first use, so that a process starts without it.
func New(server Server) *Issuer { return &Issuer{url: server.URL, fetch: server.keys} }

// Static returns an issuer with keys that do not change.
func Static(url string, keys []jose.JSONWebKey) *Issuer { return &Issuer{url: url, keys: keys} }

// Ready returns an error if there are no keys yet.
func (i *Issuer) Ready(ctx context.Context) error {
	_, err := i.find(ctx, jose.Header{})
	return err
}

// Verify returns the claims of a token of this issuer for an audience, and decodes them into others. The error wraps
// ErrInvalid or ErrUnavailable. Nothing is fetched for a token whose claims are refused anyway.
func (i *Issuer) Verify(ctx context.Context, raw, audience string, others ...any) (jwt.Claims, error) {
	var claims jwt.Claims
	token, err := jwt.ParseSigned(raw, algorithms)
	if err == nil {
		err = token.UnsafeClaimsWithoutVerification(append(others, &claims)...)
	}
	if err == nil && claims.Expiry == nil {
		err = errors.New("no claim exp")
	}
	if err == nil {
		err = claims.ValidateWithLeeway(jwt.Expected{Issuer: i.url, AnyAudience: jwt.Audience{audience}}, leeway)
	}
	if err != nil {
		return jwt.Claims{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	keys, err := i.find(ctx, token.Headers[0])
	if err != nil {
		return jwt.Claims{}, err
	}
	for _, key := range keys {
		if token.Claims(key.Key) == nil {
			return claims, nil
		}
	}
	return jwt.Claims{}, fmt.Errorf("%w: no key of the issuer verifies it", ErrInvalid)
}

// find returns the keys that may have signed a token. If none is known, it waits for a fetch, which all calls share.
func (i *Issuer) find(ctx context.Context, header jose.Header) ([]jose.JSONWebKey, error) {
	keys, fetch, err := i.known(header)
	if fetch == nil || len(keys) > 0 {
		return keys, err
	}
	defer i.leave()
	select {
	case <-fetch:
		i.mu.Lock()
		defer i.mu.Unlock()
		return i.matching(header), i.failure
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// known returns the known keys for a header. If there are none, it returns the fetch to wait for, or else why there is none.
func (i *Issuer) known(header jose.Header) ([]jose.JSONWebKey, <-chan struct{}, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	keys := i.matching(header)
	due := len(keys) == 0 || time.Since(i.fetched) > maxAge
	if due && i.fetch != nil && i.running == nil && time.Since(i.started) >= cooldown {
		i.running, i.started = make(chan struct{}), time.Now()
		go i.refresh()
	}
	switch {
	case len(keys) > 0:
		return keys, nil, nil
	case i.running == nil:
		return nil, nil, i.failure
	case i.waiting >= maxWaiting:
		return nil, nil, fmt.Errorf("%w: too many calls wait for them", ErrUnavailable)
	}
	i.waiting++
	return nil, i.running, nil
}

func (i *Issuer) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.waiting--
}

// matching returns the keys that may have signed a token; i.mu must be held.
func (i *Issuer) matching(header jose.Header) []jose.JSONWebKey {
	return slices.DeleteFunc(slices.Clone(i.keys), func(key jose.JSONWebKey) bool {
		other := func(known, wanted string) bool { return known != "" && wanted != "" && known != wanted }
		return other(key.KeyID, header.KeyID) || other(key.Algorithm, header.Algorithm)
	})
}

// refresh fetches the keys. If that fails, the known ones remain.
func (i *Issuer) refresh() {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	keys, err := i.fetch(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.running)
	i.running = nil
	if i.failure = nil; err != nil {
		i.failure = fmt.Errorf("%w: %w", ErrUnavailable, err)
		return
	}
	i.keys, i.fetched = keys, time.Now()
}
