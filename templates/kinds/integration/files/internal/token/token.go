// Package token checks access tokens.
package token

import (
	"context"
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

// TenantClaim is the claim of a token that says which tenant its subject works for.
const TenantClaim = "tenantId"

// Verifier lets pass the JWTs that an issuer signed for an audience, with a subject and a tenant. Use [New].
type Verifier struct {
	log              *slog.Logger
	issuer, audience string
	client           *http.Client

	search singleflight.Group
	issued atomic.Pointer[oidc.IDTokenVerifier]
}

// New returns a verifier of tokens for an audience. It looks for the issuer when it is used, so that a process starts
// without its issuer and says so by not being ready.
func New(log *slog.Logger, issuer, audience string) *Verifier {
	return &Verifier{log: log, issuer: issuer, audience: audience, client: &http.Client{Timeout: 5 * time.Second}}
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
	info, err := inspect(ctx, issued, raw)
	if err != nil {
		v.log.WarnContext(ctx, "token refused", "error", err)
		return nil, auth.ErrInvalidToken
	}
	return info, nil
}

func inspect(ctx context.Context, issued *oidc.IDTokenVerifier, raw string) (*auth.TokenInfo, error) {
	token, err := issued.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return nil, err
	}
	tenant, _ := claims[TenantClaim].(string)
	if token.Subject == "" || tenant == "" {
		return nil, fmt.Errorf("a token needs sub and %s", TenantClaim)
	}
	scope, _ := claims["scope"].(string)
	return &auth.TokenInfo{
		Scopes:     strings.Fields(scope),
		Expiration: token.Expiry,
		UserID:     token.Subject,
		Extra:      map[string]any{TenantClaim: tenant},
	}, nil
}

// Tenant is the tenant that Verify found in a token.
func Tenant(info *auth.TokenInfo) string {
	tenant, _ := info.Extra[TenantClaim].(string)
	return tenant
}

// discover finds the issuer's keys, once. All who need them at the same time share one search, which goes on when one of
// them leaves.
func (v *Verifier) discover(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	if issued := v.issued.Load(); issued != nil {
		return issued, nil
	}
	found := v.search.DoChan(v.issuer, func() (any, error) {
		provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), v.client), v.issuer)
		if err == nil {
			v.issued.Store(provider.Verifier(&oidc.Config{ClientID: v.audience}))
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
