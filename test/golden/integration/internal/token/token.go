// Package token checks access tokens.
package token

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"golang.org/x/sync/singleflight"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
)

// Settings say which tokens are valid.
type Settings struct {
	// Issuer is who issues them, and Audience for whom.
	Issuer, Audience string
	// TenantClaim is the claim that says which tenant the subject works for.
	TenantClaim string
	// Keys are those that the issuer signs with; none where its discovery document leads to them.
	Keys []crypto.PublicKey
}

// algorithms are those of public keys.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// Verifier lets pass the JWTs that an issuer signed for an audience, with a subject and a tenant. Use [New].
type Verifier struct {
	log      *slog.Logger
	settings Settings
	client   *http.Client

	search singleflight.Group
	issued atomic.Pointer[issuer]
}

// issuer is what an issuer signs with.
type issuer struct {
	keys       oidc.KeySet
	algorithms []string
}

// New returns a verifier of tokens. Without keys it looks for the issuer when it is used, so that a process starts
// without its issuer and says so by not being ready.
func New(log *slog.Logger, settings Settings) *Verifier {
	v := &Verifier{log: log, settings: settings, client: &http.Client{Timeout: 5 * time.Second}}
	if len(settings.Keys) > 0 {
		v.issued.Store(&issuer{&oidc.StaticKeySet{PublicKeys: settings.Keys}, algorithms})
	}
	return v
}

// Ready reports why tokens cannot be checked. Once the issuer's keys were fetched it does not matter any more: they are
// kept.
func (v *Verifier) Ready(ctx context.Context) error {
	_, err := v.discover(ctx)
	return err
}

// Verify implements auth.TokenVerifier. What is wrong is in the log alone.
func (v *Verifier) Verify(ctx context.Context, raw string, _ *http.Request) (*auth.TokenInfo, error) {
	issued, err := v.discover(ctx)
	var info *auth.TokenInfo
	if err == nil {
		info, err = v.inspect(ctx, issued, raw)
	}
	switch {
	case errors.Is(err, errNoKeys):
		v.log.ErrorContext(ctx, "tokens cannot be checked", "error", err)
		return nil, errors.New("tokens cannot be checked")
	case err != nil:
		v.log.WarnContext(ctx, "token refused", "error", err)
		return nil, auth.ErrInvalidToken
	}
	return info, nil
}

func (v *Verifier) inspect(ctx context.Context, issued *issuer, raw string) (*auth.TokenInfo, error) {
	keys := &keySet{KeySet: issued.keys}
	config := &oidc.Config{ClientID: v.settings.Audience, SupportedSigningAlgs: issued.algorithms}
	token, err := oidc.NewVerifier(v.settings.Issuer, keys, config).Verify(ctx, raw)
	if keys.failure != nil {
		return nil, keys.failure
	}
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return nil, err
	}
	tenant, _ := claims[v.settings.TenantClaim].(string)
	if !caller.IsName(token.Subject) || !caller.IsName(tenant) {
		return nil, fmt.Errorf("a token needs sub and %s, each of 1 to 200 visible characters", v.settings.TenantClaim)
	}
	return Info(tenant, token.Subject, token.Expiry, append(scopes(claims["scope"]), scopes(claims["scp"])...)...), nil
}

// Info says for whom a request is that was let in, until when and for what. Tenant finds its tenant.
func Info(tenant, subject string, expiry time.Time, scopes ...string) *auth.TokenInfo {
	return &auth.TokenInfo{Scopes: scopes, Expiration: expiry, UserID: subject, Extra: map[string]any{tenantKey: tenant}}
}

// scopes are those of a claim: a text with spaces (RFC 9068), or a list, as some issuers have it.
func scopes(claim any) (all []string) {
	switch claim := claim.(type) {
	case string:
		return strings.Fields(claim)
	case []any:
		for _, one := range claim {
			if scope, ok := one.(string); ok {
				all = append(all, scope)
			}
		}
	}
	return all
}

const tenantKey = "tenant"

// Tenant is the tenant of an Info.
func Tenant(info *auth.TokenInfo) string {
	tenant, _ := info.Extra[tenantKey].(string)
	return tenant
}

// errNoKeys says that the keys of the issuer could not be fetched, so that a token is neither valid nor invalid.
var errNoKeys = errors.New("the keys of ISSUER_URL cannot be fetched")

// keySet keeps why the keys for one token could not be fetched, which go-oidc reports as it does a wrong signature.
type keySet struct {
	oidc.KeySet
	failure error
}

// VerifySignature implements oidc.KeySet.
func (k *keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, jwt)
	// Of the errors of a RemoteKeySet, that of a fetch alone wraps another.
	if cause := errors.Unwrap(err); cause != nil {
		k.failure = fmt.Errorf("%w: %w", errNoKeys, cause)
	}
	return payload, err
}

// unsigned is a JWS that no key verifies, so that a RemoteKeySet fetches its keys to try.
const unsigned = "eyJhbGciOiJSUzI1NiJ9.e30.AA"

// discover finds the issuer and fetches its keys, once. All who need them at the same time share one search, which goes
// on when one of them leaves.
func (v *Verifier) discover(ctx context.Context) (*issuer, error) {
	if issued := v.issued.Load(); issued != nil {
		return issued, nil
	}
	found := v.search.DoChan(v.settings.Issuer, func() (any, error) {
		issued, err := v.fetch(context.WithoutCancel(ctx))
		if err == nil {
			v.issued.Store(issued)
		}
		return nil, err
	})
	select {
	case result := <-found:
		if result.Err != nil {
			return nil, fmt.Errorf("%w: %w", errNoKeys, result.Err)
		}
		return v.issued.Load(), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errNoKeys, ctx.Err())
	}
}

// fetch returns the issuer as its discovery document describes it, with its keys.
func (v *Verifier) fetch(ctx context.Context) (*issuer, error) {
	ctx = oidc.ClientContext(ctx, v.client)
	provider, err := oidc.NewProvider(ctx, v.settings.Issuer)
	if err != nil {
		return nil, err
	}
	var document struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := provider.Claims(&document); err != nil {
		return nil, err
	}
	if err := v.checkKeys(ctx, document.Keys); err != nil {
		return nil, err
	}
	remote := oidc.NewRemoteKeySet(ctx, document.Keys)
	keys := &keySet{KeySet: remote}
	if _, err := keys.VerifySignature(ctx, unsigned); keys.failure != nil {
		return nil, err
	}
	unknown := func(name string) bool { return !slices.Contains(algorithms, name) }
	return &issuer{remote, slices.DeleteFunc(document.Algorithms, unknown)}, nil
}

// checkKeys says why there are no keys at an address, which a RemoteKeySet takes for a set like any other.
func (v *Verifier) checkKeys(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&set); err != nil {
		return fmt.Errorf("%s answered %d: %w", address, resp.StatusCode, err)
	}
	if len(set.Keys) == 0 {
		return fmt.Errorf("%s has no keys", address)
	}
	return nil
}
