// Package config is what each command takes. What differs between deployments has no default.
package config

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"

	"github.com/go-jose/go-jose/v4"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
	"github.com/acme/app/primitives/integration/orders/internal/credentials"
	"github.com/acme/app/primitives/integration/orders/internal/settings"
)

// Serve is what serving over HTTP takes.
type Serve struct {
	Backend
	settings.Process
	// Resource is the address of this server for its clients, and so the audience that their tokens must have.
	Resource Resource `env:"RESOURCE_URL,required,notEmpty"`
	// IssuerURL is who issues the tokens.
	IssuerURL Address `env:"ISSUER_URL,required,notEmpty"`
	// Keys are those that the issuer signs with; where there is no file of them, its discovery document leads to them.
	Keys JWKS `env:"JWKS_FILE"`
	// TenantClaim is the claim of a token that says which tenant its subject works for.
	TenantClaim string `env:"TENANT_CLAIM,notEmpty" envDefault:"tenantId"`
	// Services may call for others; none may by default.
	Services credentials.Callers `env:"ACCEPT_CALLERS"`
	// AllowedOrigins are the web pages that may call.
	AllowedOrigins []Origin `env:"ALLOWED_ORIGINS"`
}

// Stdio is what serving the process that started this one takes. That process says for whom it works.
type Stdio struct {
	Backend
	Tenant   Name       `env:"TENANT_ID,required,notEmpty"`
	Subject  Name       `env:"SUBJECT,required,notEmpty"`
	LogLevel slog.Level `env:"LOG_LEVEL,notEmpty" envDefault:"INFO"`
}

// Backend is where the tools' calls go.
type Backend struct {
	// QueryURL is the list of a projection, RequestURL a method of a domain.
	QueryURL   Address `env:"QUERY_URL,required,notEmpty"`
	RequestURL Address `env:"REQUEST_URL,required,notEmpty"`
	// ServiceToken is the file with the token that this process sends to both.
	ServiceToken credentials.File `env:"SERVICE_TOKEN_FILE"`
}

// Name is that of a tenant or a subject.
type Name string

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *Name) UnmarshalText(text []byte) error {
	if !caller.IsName(string(text)) {
		return errors.New("not a name of 1 to 200 visible characters")
	}
	*n = Name(text)
	return nil
}

// Resource is the URL of an MCP server.
type Resource struct{ url.URL }

var path = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Resource) UnmarshalText(text []byte) error {
	parsed, ok := parse(string(text))
	if !ok || !path.MatchString(parsed.Path) {
		return errors.New("not an address such as https://tools.example.com/mcp")
	}
	r.URL = *parsed
	return nil
}

// JWKS is a set of public keys (RFC 7517), named by the file that has them.
type JWKS struct{ Keys []crypto.PublicKey }

// UnmarshalText implements encoding.TextUnmarshaler.
func (j *JWKS) UnmarshalText(path []byte) error {
	if len(path) == 0 {
		return nil
	}
	data, err := os.ReadFile(string(path))
	if err != nil {
		return err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(data, &set); err != nil {
		return fmt.Errorf("%s has no key set: %w", path, err)
	}
	for _, key := range set.Keys {
		if !key.IsPublic() {
			return fmt.Errorf("%s has the key %q, which is not public", path, key.KeyID)
		}
		j.Keys = append(j.Keys, key.Key)
	}
	if len(j.Keys) == 0 {
		return fmt.Errorf("%s has no keys", path)
	}
	return nil
}

// Address is an HTTP URL with no more than a path.
type Address string

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Address) UnmarshalText(text []byte) error {
	if _, ok := parse(string(text)); !ok {
		return errors.New("not an address such as https://example.com/path")
	}
	*a = Address(text)
	return nil
}

// Origin is scheme, host and port that a web page comes from, as browsers say it in the header Origin.
type Origin string

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Origin) UnmarshalText(text []byte) error {
	parsed, ok := parse(string(text))
	if !ok || parsed.Path != "" {
		return errors.New("not an origin such as https://app.example.com")
	}
	*o = Origin(text)
	return nil
}

// parse returns a URL if it has scheme, host and path only. What else it has may be a secret, so that errors leave it out.
func parse(text string) (*url.URL, bool) {
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, false
	}
	plain := url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path}
	return parsed, (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Host != "" && plain.String() == text
}
