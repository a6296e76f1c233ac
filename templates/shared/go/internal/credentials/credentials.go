// Package credentials authenticates calls between services. Both sides use bearer tokens in files, which the orchestrator
// mounts and rotates. To use OIDC or mutual TLS, change Client and Check; nothing else handles tokens.
package credentials

import (
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// File is the path of a file that must be readable at startup; empty for none.
type File string

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *File) UnmarshalText(text []byte) error {
	if *f = File(text); *f == "" {
		return nil
	}
	_, err := os.ReadFile(string(*f))
	return err
}

// Client returns an HTTP client that sends the token in file with each request, or no token if file is empty. It does
// not follow redirects: the target may be another server, even if it answers 200.
func Client(file File, timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		Transport:     transport(file),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport adds the token in a file to each request.
type transport File

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t != "" {
		token, err := os.ReadFile(string(t))
		if err != nil {
			// A RoundTripper must close the body, also on errors.
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	return http.DefaultTransport.RoundTrip(req)
}

// Callers defines who may call: `anyone`, or the path of a file with accepted tokens, one per line. The zero value accepts
// no one.
type Callers string

const anyone Callers = "anyone"

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Callers) UnmarshalText(text []byte) error {
	switch *c = Callers(text); {
	case *c == anyone:
		return nil
	case *c != "" && !filepath.IsAbs(string(text)):
		return errors.New("must be `anyone` or the absolute path of a file with tokens, one per line")
	}
	return new(File).UnmarshalText(text)
}

// ErrNotAccepted is returned for a call without an accepted token.
var ErrNotAccepted = errors.New("no accepted token")

// Check returns nil if a call with this Authorization header is accepted. Otherwise it returns ErrNotAccepted, or the
// error of reading the tokens, which is not the caller's fault. Log the error, do not send it to the caller.
func (c Callers) Check(authorization string) error {
	switch c {
	case anyone:
		return nil
	case "":
		return ErrNotAccepted
	}
	tokens, err := os.ReadFile(string(c))
	if err != nil {
		return err
	}
	scheme, given, _ := strings.Cut(authorization, " ")
	if strings.EqualFold(scheme, "Bearer") {
		for token := range strings.FieldsSeq(string(tokens)) {
			if subtle.ConstantTimeCompare([]byte(token), []byte(given)) == 1 {
				return nil
			}
		}
	}
	return ErrNotAccepted
}

// Only forwards accepted calls to next. It answers 401 to others, and 500 if the tokens cannot be read.
func (c Callers) Only(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := c.Check(r.Header.Get("Authorization"))
		switch {
		case err == nil:
			next.ServeHTTP(w, r)
		case errors.Is(err, ErrNotAccepted):
			log.WarnContext(r.Context(), "call refused", "method", r.Method, "path", r.URL.Path, "error", err)
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "missing or invalid token", http.StatusUnauthorized)
		default:
			log.ErrorContext(r.Context(), "cannot read tokens", "method", r.Method, "path", r.URL.Path, "error", err)
			http.Error(w, "cannot authenticate the call", http.StatusInternalServerError)
		}
	})
}
