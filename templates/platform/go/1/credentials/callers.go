package credentials

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"example.com/service/internal/platform/caller"
	"example.com/service/internal/platform/issuer"
	"example.com/service/internal/platform/telemetry"
)

// Callers define who may call. The zero value accepts no one. Use [Anyone] or [FromFile].
type Callers struct {
	file *file
	// tenant is that of calls without a token; empty if they are not accepted.
	tenant string
}

// Anyone accepts calls without a token, for one tenant: see [Callers.MayName].
func Anyone(tenant string) Callers { return Callers{tenant: tenant} }

// file is a file of callers with what was last read of it.
type file struct {
	path string

	mu      sync.Mutex
	text    []byte
	list    list
	issuers map[issuer.Server]*issuer.Issuer
}

// FromFile returns the callers that a file lists. It is read again with each call, since tokens are rotated.
func FromFile(path string) (Callers, error) {
	callers := Callers{file: &file{path: path, issuers: map[issuer.Server]*issuer.Issuer{}}}
	_, err := callers.file.read()
	return callers, err
}

// UnmarshalText implements encoding.TextUnmarshaler for `anyone:TENANT`, and for the absolute path of a file.
func (c *Callers) UnmarshalText(text []byte) (err error) {
	path := string(text)
	switch tenant, isAnyone := strings.CutPrefix(path, "anyone:"); {
	case path == "":
		*c = Callers{}
	case path == "anyone":
		err = errors.New("`anyone` needs the tenant that callers without a token have: anyone:TENANT")
	case isAnyone && !caller.IsName(tenant):
		err = errors.New("the tenant of anyone:TENANT must have 1 to 200 visible characters")
	case isAnyone:
		*c = Anyone(tenant)
	case !filepath.IsAbs(path):
		err = errors.New("must be `anyone:TENANT` or the absolute path of a file that lists callers")
	default:
		*c, err = FromFile(path)
	}
	return err
}

// IsAnyone reports whether calls are accepted without a token.
func (c Callers) IsAnyone() bool { return c.tenant != "" }

// MayName reports whether an accepted call may name a tenant: any, but for calls without a token, which have theirs.
func (c Callers) MayName(tenant string) bool { return c.tenant == "" || c.tenant == tenant }

type key struct{}

// MayName reports whether the call that [Callers.Only] has accepted may name a tenant that is not in its header.
func MayName(ctx context.Context, tenant string) bool {
	accepted, _ := ctx.Value(key{}).(Callers)
	return accepted.MayName(tenant)
}

// ErrNotAccepted is returned for a call without an accepted token.
var ErrNotAccepted = errors.New("no accepted token")

// Check returns who calls with an Authorization header: the name of the token's owner, or the subject of an issuer's token;
// empty if it has no name. The error is ErrNotAccepted, or why the call cannot be checked, which is not the caller's fault.
// Log the error, do not send it to the caller.
func (c Callers) Check(ctx context.Context, authorization string) (string, error) {
	switch {
	case c.IsAnyone():
		return "", nil
	case c.file == nil:
		return "", ErrNotAccepted
	}
	known, err := c.file.read()
	if err != nil {
		return "", err
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", ErrNotAccepted
	}
	for name, tokens := range known.Tokens {
		for _, one := range tokens {
			if subtle.ConstantTimeCompare([]byte(one), []byte(token)) == 1 {
				return name, nil
			}
		}
	}
	refused := ErrNotAccepted
	var unknown error
	for _, one := range known.Issuers {
		claims, err := c.file.issuer(one.Server).Verify(ctx, token, one.Audience)
		if err == nil && !slices.Contains(one.Subjects, claims.Subject) {
			err = fmt.Errorf("the subject %.200q is not listed", claims.Subject)
		}
		switch {
		case err == nil:
			return claims.Subject, nil
		case errors.Is(err, issuer.ErrUnavailable):
			unknown = fmt.Errorf("%s: %w", one.URL, err)
		default:
			refused = fmt.Errorf("%w; %s: %w", refused, one.URL, err)
		}
	}
	if unknown != nil {
		return "", unknown
	}
	return "", refused
}

// read returns what the file lists.
func (f *file) read() (list, error) {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return list{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.text == nil || !bytes.Equal(text, f.text) {
		parsed, err := parse(text)
		if err != nil {
			return list{}, fmt.Errorf("%s: %w", f.path, err)
		}
		f.text, f.list = text, parsed
	}
	return f.list, nil
}

// issuer returns the issuer at a server, which keeps its keys.
func (f *file) issuer(server issuer.Server) *issuer.Issuer {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.issuers[server] == nil {
		f.issuers[server] = issuer.New(server)
	}
	return f.issuers[server]
}

// Only forwards accepted calls to next. It answers 401 to others, 403 if the header Tenant-Id names a tenant that the call may
// not name, and 503 if a call cannot be checked.
func (c Callers) Only(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, err := c.Check(r.Context(), r.Header.Get("Authorization"))
		isOther := func(tenant string) bool { return !c.MayName(tenant) }
		switch {
		case err == nil && slices.ContainsFunc(r.Header.Values("Tenant-Id"), isOther):
			log.WarnContext(r.Context(), "call refused", "method", r.Method, "path", r.URL.Path, "error", "another tenant than that of anyone")
			http.Error(w, "Tenant-Id is not the tenant of calls without a token", http.StatusForbidden)
		case err == nil:
			ctx := context.WithValue(r.Context(), key{}, c)
			next.ServeHTTP(w, r.WithContext(telemetry.WithService(ctx, name)))
		case errors.Is(err, ErrNotAccepted):
			log.WarnContext(r.Context(), "call refused", "method", r.Method, "path", r.URL.Path, "error", err)
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "missing or invalid token", http.StatusUnauthorized)
		default:
			log.ErrorContext(r.Context(), "cannot check the call", "method", r.Method, "path", r.URL.Path, "error", err)
			http.Error(w, "cannot authenticate the call", http.StatusServiceUnavailable)
		}
	})
}
