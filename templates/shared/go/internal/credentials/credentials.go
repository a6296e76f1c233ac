// Package credentials is how this process says to other services who it is, and how it knows that whoever calls may. It
// does both with bearer tokens in files, which the orchestrator mounts and renews. For OIDC or mutual TLS change Client
// and Check; nothing else knows of tokens.
package credentials

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Client returns an HTTP client that sends the token in a file with each request; none where no file is given. It
// follows no redirection: where one leads need not be who was meant, even if it answers 200.
func Client(file string, timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		Transport:     transport(file),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport is the path of a token, or empty.
type transport string

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

// Callers says who may call: `anyone`, or the bearers of the tokens in a file, one a line.
type Callers string

const anyone Callers = "anyone"

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Callers) UnmarshalText(text []byte) error {
	*c = Callers(text)
	if *c != anyone && !filepath.IsAbs(string(text)) {
		return errors.New("neither `anyone` nor the absolute path of a file with tokens, one a line")
	}
	return nil
}

// Check says why a call with this Authorization may not be made; nil if it may. The error is for the log.
func (c Callers) Check(authorization string) error {
	if c == anyone {
		return nil
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
	return errors.New("the call has no accepted token")
}

// Only passes on to next what callers may ask, and answers 401 to the rest.
func (c Callers) Only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.Check(r.Header.Get("Authorization")); err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "an accepted token is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
