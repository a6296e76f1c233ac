// Package web serves MCP over streamable HTTP, as an OAuth resource server: to clients with a token for it, and to no web
// page that was not let in. It keeps no sessions, so any process answers any request.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
	"github.com/acme/app/primitives/integration/orders/internal/config"
	"github.com/acme/app/primitives/integration/orders/internal/credentials"
	"github.com/acme/app/primitives/integration/orders/internal/token"
)

// Scope is what a token must allow.
const Scope = "mcp:tools"

const (
	maxBody     = 1 << 20
	maxRequests = 200
)

// Endpoint is where MCP is served, and for whom.
type Endpoint struct {
	// Resource is the address that clients use.
	Resource url.URL
	// Issuer is where clients get their tokens.
	Issuer string
	// Origins are the web pages that may call.
	Origins []config.Origin
	Verify  auth.TokenVerifier
	// Services may call for others; none may by default.
	Services credentials.Callers
	Server   *mcp.Server
	Log      *slog.Logger
}

// Register adds the endpoint to mux, and beside it the description of where to get tokens (RFC 9728).
func (e Endpoint) Register(mux *http.ServeMux) {
	metadata := e.Resource
	metadata.Path = "/.well-known/oauth-protected-resource" + e.Resource.Path
	mux.Handle(metadata.Path, auth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{
		Resource:               e.Resource.String(),
		AuthorizationServers:   []string{e.Issuer},
		ScopesSupported:        []string{Scope},
		BearerMethodsSupported: []string{"header"},
	}))
	stream := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return e.Server }, &mcp.StreamableHTTPOptions{
		Stateless:                    true,
		JSONResponse:                 true,
		Logger:                       e.Log,
		MaxRequestBodyBytes:          maxBody,
		PropagateRequestCancellation: true,
		// The guard checks the host, for any address.
		DisableLocalhostProtection: true,
	})
	bearer := auth.RequireBearerToken(e.verify, &auth.RequireBearerTokenOptions{
		ResourceMetadataURL: metadata.String(),
		Scopes:              []string{Scope},
	})
	mux.Handle(e.Resource.Path, guard(e.Log, e.Resource, e.Origins, bearer(limit(maxRequests, stream))))
}

// errNames is answered 400, as every auth.ErrOAuth.
var errNames = fmt.Errorf("%w: the header Tenant-Id must be given once, as Subject-Id in 1 to 200 visible characters", auth.ErrOAuth)

// verify implements auth.TokenVerifier. A request that names its tenant is that of a service, for the subject that it
// names, and has the token of a service; all others have one of their own.
func (e Endpoint) verify(ctx context.Context, raw string, r *http.Request) (*auth.TokenInfo, error) {
	named := r.Header.Values("Tenant-Id")
	if len(named) == 0 {
		return e.Verify(ctx, raw, r)
	}
	err := e.Services.Check("Bearer " + raw)
	if err != nil && !errors.Is(err, credentials.ErrNotAccepted) {
		e.Log.ErrorContext(ctx, "services cannot be checked", "error", err)
		return nil, errors.New("services cannot be checked")
	}
	if err != nil {
		e.Log.WarnContext(ctx, "service refused", "error", err)
		return nil, auth.ErrInvalidToken
	}
	subject := r.Header.Get("Subject-Id")
	if len(named) > 1 || !caller.IsName(named[0]) || subject != "" && !caller.IsName(subject) {
		e.Log.WarnContext(ctx, "service refused", "error", errNames)
		return nil, errNames
	}
	return token.Info(named[0], subject, time.Now().Add(time.Minute), Scope), nil
}

// Caller is who makes a request that Endpoint let pass.
func Caller(extra *mcp.RequestExtra) (caller.Caller, error) {
	if extra == nil || extra.TokenInfo == nil {
		return caller.Caller{}, errors.New("the request has no token")
	}
	from := caller.Caller{Tenant: token.Tenant(extra.TokenInfo), Subject: extra.TokenInfo.UserID}
	state := strings.Join(extra.Header.Values("Tracestate"), ",")
	from.TraceParent, from.TraceState = caller.Trace(extra.Header.Get("Traceparent"), state)
	return from, nil
}
