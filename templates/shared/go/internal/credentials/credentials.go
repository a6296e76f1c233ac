// Package credentials is how this process says to other services who it is, and how it knows that a caller may call. It
// does both with bearer tokens in files, which the orchestrator mounts and renews. For OIDC or mutual TLS change Client
// and Check; nothing else knows of tokens.
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

// File is the path of a file that can be read at the start; empty for none.
type File string

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *File) UnmarshalText(text []byte) error {
	if *f = File(text); *f == "" {
		return nil
	}
	_, err := os.ReadFile(string(*f))
	return err
}

// Client returns an HTTP client that sends the token in a file with each request; none where no file is given. It
// follows no redirection: where one leads need not be who was meant, even if it answers 200.
func Client(file File, timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		Transport:     transport(file),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport is the file of a token.
type transport File

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t != "" {
		token, err := os.ReadFile(string(t))
		if err != nil {
			// As a RoundTripper has to.
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

// Callers says who may call: `anyone`, or the bearers of the tokens in a file, one a line. The zero value lets none.
type Callers string

const anyone Callers = "anyone"

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Callers) UnmarshalText(text []byte) error {
	switch *c = Callers(text); {
	case *c == anyone:
		return nil
	case *c != "" && !filepath.IsAbs(string(text)):
		return errors.New("neither `anyone` nor the absolute path of a file with tokens, one a line")
	}
	return new(File).UnmarshalText(text)
}

// ErrNotAccepted says that a call has no token that is accepted.
var ErrNotAccepted = errors.New("the call has no accepted token")

// Check says why a call with this Authorization may not be made; nil if it may. The error is for the log: ErrNotAccepted,
// or why the tokens cannot be read, which is no fault of the caller.
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

// Only passes on to next what callers may ask, and answers 401 to the rest, or 500 while the tokens cannot be read.
func (c Callers) Only(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := c.Check(r.Header.Get("Authorization"))
		switch {
		case err == nil:
			next.ServeHTTP(w, r)
		case errors.Is(err, ErrNotAccepted):
			log.WarnContext(r.Context(), "call refused", "method", r.Method, "path", r.URL.Path, "error", err)
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "an accepted token is needed", http.StatusUnauthorized)
		default:
			log.ErrorContext(r.Context(), "callers cannot be checked", "method", r.Method, "path", r.URL.Path, "error", err)
			http.Error(w, "callers cannot be checked", http.StatusInternalServerError)
		}
	})
}
