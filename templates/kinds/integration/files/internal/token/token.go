// Package token checks access tokens.
package token

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"golang.org/x/sync/singleflight"
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
	issued atomic.Pointer[oidc.IDTokenVerifier]
}

// New returns a verifier of tokens. Without keys it looks for the issuer when it is used, so that a process starts
// without its issuer and says so by not being ready.
func New(log *slog.Logger, settings Settings) *Verifier {
	v := &Verifier{log: log, settings: settings, client: &http.Client{Timeout: 5 * time.Second}}
	if len(settings.Keys) > 0 {
		keys := &oidc.StaticKeySet{PublicKeys: settings.Keys}
		config := &oidc.Config{ClientID: settings.Audience, SupportedSigningAlgs: algorithms}
		v.issued.Store(oidc.NewVerifier(settings.Issuer, keys, config))
	}
	return v
}

// Ready reports why tokens cannot be checked. Once the issuer was found it does not matter any more: its keys are kept.
func (v *Verifier) Ready(ctx context.Context) error {
	_, err := v.discover(ctx)
	return err
}

// Verify implements auth.TokenVerifier. What is wrong is in the log alone.
func (v *Verifier) Verify(ctx context.Context, raw string, _ *http.Request) (*auth.TokenInfo, error) {
	issued, err := v.discover(ctx)
	if err != nil {
		v.log.ErrorContext(ctx, "tokens cannot be checked", "error", err)
		return nil, errors.New("tokens cannot be checked")
	}
	info, err := v.inspect(ctx, issued, raw)
	if err != nil {
		v.log.WarnContext(ctx, "token refused", "error", err)
		return nil, auth.ErrInvalidToken
	}
	return info, nil
}

func (v *Verifier) inspect(ctx context.Context, issued *oidc.IDTokenVerifier, raw string) (*auth.TokenInfo, error) {
	token, err := issued.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return nil, err
	}
	tenant, _ := claims[v.settings.TenantClaim].(string)
	if token.Subject == "" || tenant == "" {
		return nil, fmt.Errorf("a token needs sub and %s", v.settings.TenantClaim)
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

// discover finds the issuer's keys, once. All who need them at the same time share one search, which goes on when one of
// them leaves.
func (v *Verifier) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	if issued := v.issued.Load(); issued != nil {
		return issued, nil
	}
	found := v.search.DoChan(v.settings.Issuer, func() (any, error) {
		provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), v.client), v.settings.Issuer)
		if err == nil {
			v.issued.Store(provider.Verifier(&oidc.Config{ClientID: v.settings.Audience}))
		}
		return nil, err
	})
	select {
	case result := <-found:
		if result.Err != nil {
			return nil, fmt.Errorf("ISSUER_URL: %w", result.Err)
		}
		return v.issued.Load(), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("ISSUER_URL: %w", ctx.Err())
	}
}
