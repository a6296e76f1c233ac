package issuer

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	address  = "https://id.example.com"
	audience = "orders"
)

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign returns a token of a key with claims, which replace those of a valid one; nil removes one.
func sign(t *testing.T, key any, algorithm jose.SignatureAlgorithm, id string, changes map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id)
	_, options.EmbedJWK = key.(jose.JSONWebKey)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{"iss": address, "aud": []string{audience, "other"}, "sub": "flow", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	raw, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func public(key crypto.Signer, id string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Public(), KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}
}

// publisher publishes keys; it counts how often they are fetched.
type publisher struct {
	mu      sync.Mutex
	keys    []jose.JSONWebKey
	err     error
	latency time.Duration
	fetches atomic.Int32
}

func (p *publisher) publish(err error, keys ...jose.JSONWebKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys, p.err = keys, err
}

func (p *publisher) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	p.fetches.Add(1)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(p.latency):
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys, p.err
}

func (p *publisher) issuer() *Issuer { return &Issuer{url: address, fetch: p.fetch} }

func verify(i *Issuer, raw string) error {
	_, err := i.Verify(context.Background(), raw, audience)
	return err
}

func TestVerify_Token(t *testing.T) {
	key, other := newKey(t), newKey(t)
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := Static(address, []jose.JSONWebKey{public(key, "k1"), {Key: long.Public(), KeyID: "k2"}})
	at := func(offset time.Duration) int64 { return time.Now().Add(offset).Unix() }
	point, err := json.Marshal(jose.JSONWebKey{Key: key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	unsigned := func(header string) string {
		encode := base64.RawURLEncoding.EncodeToString
		claims, _ := json.Marshal(map[string]any{"iss": address, "aud": audience, "sub": "flow", "exp": at(time.Hour)})
		return encode([]byte(header)) + "." + encode(claims) + "."
	}
	for _, test := range []struct {
		name, raw string
		valid     bool
	}{
		{"valid", sign(t, key, jose.ES256, "k1", nil), true},
		{"of another type of key", sign(t, long, jose.PS256, "k2", nil), true},
		{"one audience", sign(t, key, jose.ES256, "k1", map[string]any{"aud": audience}), true},
		{"expired within the leeway", sign(t, key, jose.ES256, "k1", map[string]any{"exp": at(-leeway / 2)}), true},
		{"expired", sign(t, key, jose.ES256, "k1", map[string]any{"exp": at(-leeway - 5*time.Second)}), false},
		{"without an expiry", sign(t, key, jose.ES256, "k1", map[string]any{"exp": nil}), false},
		{"not valid yet, within the leeway", sign(t, key, jose.ES256, "k1", map[string]any{"nbf": at(leeway / 2)}), true},
		{"not valid yet", sign(t, key, jose.ES256, "k1", map[string]any{"nbf": at(leeway + 5*time.Second)}), false},
		{"issued in the future", sign(t, key, jose.ES256, "k1", map[string]any{"iat": at(leeway + 5*time.Second)}), false},
		{"of another issuer", sign(t, key, jose.ES256, "k1", map[string]any{"iss": address + "/other"}), false},
		{"for another audience", sign(t, key, jose.ES256, "k1", map[string]any{"aud": "other"}), false},
		{"for no audience", sign(t, key, jose.ES256, "k1", map[string]any{"aud": nil}), false},
		{"of another key", sign(t, other, jose.ES256, "k1", nil), false},
		{"of the key of another id", sign(t, long, jose.RS256, "k1", nil), false},
		{"with a key that it brings", sign(t, jose.JSONWebKey{Key: other, KeyID: "k1"}, jose.ES256, "k1", nil), false},
		{"with the public key as a secret", sign(t, point, jose.HS256, "k1", nil), false},
		{"unsigned", unsigned(`{"alg":"none","kid":"k1"}`), false},
		{"without a signature", unsigned(`{"alg":"ES256","kid":"k1"}`), false},
		{"with an unknown critical header", unsigned(`{"alg":"ES256","kid":"k1","crit":["x"],"x":1}`), false},
		{"no token", "secret", false},
	} {
		claims, err := i.Verify(t.Context(), test.raw, audience)
		if (err == nil) != test.valid || err != nil && !errors.Is(err, ErrInvalid) || err == nil && claims.Subject != "flow" {
			t.Errorf("%s: Verify() = %+v, %v; want it valid: %t", test.name, claims, err, test.valid)
		}
	}
}

func TestVerify_Rotation(t *testing.T) {
	old, next := newKey(t), newKey(t)
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{latency: 50 * time.Millisecond, keys: []jose.JSONWebKey{public(old, "old")}}
		i := p.issuer()
		expect := func(when, id string, key crypto.Signer, valid bool) {
			t.Helper()
			if err := verify(i, sign(t, key, jose.ES256, id, nil)); (err == nil) != valid {
				t.Errorf("%s: Verify() of the %s key = %v, want it valid: %t", when, id, err, valid)
			}
		}
		expect("before", "old", old, true)
		p.publish(nil, public(old, "old"), public(next, "new"))
		time.Sleep(cooldown)
		expect("with both", "new", next, true)
		expect("with both", "old", old, true)
		p.publish(nil, public(next, "new"))
		time.Sleep(maxAge + time.Second)
		expect("with the new one", "new", next, true)
		time.Sleep(time.Second)
		expect("with the new one", "old", old, false)
		if got := p.fetches.Load(); got != 3 {
			t.Errorf("%d fetches, want 3", got)
		}
	})
}

func TestVerify_UnknownKeysShareFetches(t *testing.T) {
	key, junk := newKey(t), newKey(t)
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{latency: time.Second, keys: []jose.JSONWebKey{public(key, "k1")}}
		i := p.issuer()
		if err := verify(i, sign(t, key, jose.ES256, "k1", nil)); err != nil {
			t.Fatalf("Verify() error = %v, want nil", err)
		}
		time.Sleep(cooldown)
		var group sync.WaitGroup
		for n := range 200 {
			raw := sign(t, junk, jose.ES256, "junk"+string(rune('a'+n%26)), nil)
			group.Go(func() {
				if err := verify(i, raw); err == nil {
					t.Error("Verify() of an unknown key: error = nil, want one")
				}
			})
		}
		group.Wait()
		for range 200 {
			if err := verify(i, sign(t, junk, jose.ES256, "junk", nil)); !errors.Is(err, ErrInvalid) {
				t.Errorf("Verify() of an unknown key: error = %v, want %v", err, ErrInvalid)
			}
		}
		// Neither does a token whose claims are refused anyway.
		time.Sleep(cooldown)
		_ = verify(i, sign(t, junk, jose.ES256, "junk", map[string]any{"aud": "other"}))
		if got := p.fetches.Load(); got != 2 {
			t.Errorf("%d fetches, want 2: one for the first token, one for 400 of unknown keys", got)
		}
	})
}

func TestVerify_IssuerUnavailable(t *testing.T) {
	key, next := newKey(t), newKey(t)
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{err: errors.New("away")}
		i := p.issuer()
		for range 100 {
			if err := verify(i, sign(t, key, jose.ES256, "k1", nil)); !errors.Is(err, ErrUnavailable) {
				t.Errorf("Verify() without keys: error = %v, want %v", err, ErrUnavailable)
			}
		}
		if err := i.Ready(t.Context()); !errors.Is(err, ErrUnavailable) || p.fetches.Load() != 1 {
			t.Errorf("Ready() error = %v after %d fetches, want %v after 1", err, p.fetches.Load(), ErrUnavailable)
		}
		p.publish(nil, public(key, "k1"))
		time.Sleep(cooldown)
		if err := i.Ready(t.Context()); err != nil {
			t.Errorf("Ready() once there are keys: error = %v, want nil", err)
		}
		// From now on it hangs.
		p.latency = time.Hour
		time.Sleep(maxAge + time.Second)
		start := time.Now()
		if err := verify(i, sign(t, key, jose.ES256, "k1", nil)); err != nil || time.Since(start) > 0 {
			t.Errorf("Verify() of a known key = %v after %v, want nil at once", err, time.Since(start))
		}
		var waited, refused atomic.Int32
		var group sync.WaitGroup
		for range 100 {
			raw := sign(t, next, jose.ES256, "k2", nil)
			group.Go(func() {
				begin := time.Now()
				if err := verify(i, raw); !errors.Is(err, ErrUnavailable) {
					t.Errorf("Verify() of a new key: error = %v, want %v", err, ErrUnavailable)
				}
				if waited.Add(1); time.Since(begin) == 0 {
					refused.Add(1)
				}
			})
		}
		group.Wait()
		if got := waited.Load() - refused.Load(); got != maxWaiting {
			t.Errorf("%d calls waited, want %d", got, maxWaiting)
		}
		if took := time.Since(start); took > fetchTimeout {
			t.Errorf("calls waited %v, want at most %v", took, fetchTimeout)
		}
	})
}
