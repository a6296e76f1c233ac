// Package credentials authenticates calls between services by bearer tokens: opaque ones, or those of an issuer such as
// Kubernetes. To use mutual TLS, change Client and Check; nothing else handles tokens.
package credentials

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"example.com/service/internal/platform/telemetry"
)

// File is the path of a file with a token; empty for none. It is read with each request, since tokens are rotated.
type File string

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *File) UnmarshalText(text []byte) error {
	if *f = File(text); *f == "" {
		return nil
	}
	_, err := f.token()
	return err
}

func (f File) token() (string, error) {
	text, err := os.ReadFile(string(f))
	token := strings.TrimSpace(string(text))
	if err == nil && token == "" {
		err = fmt.Errorf("%s is empty", string(f))
	}
	return token, err
}

// Client returns an HTTP client that sends the token in file with each request, or no token if file is empty. It does
// not follow redirects: the target may be another server, even if it answers 200.
func Client(file File, timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		Transport:     telemetry.Transport(transport(file)),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// transport adds the token in a file to each request.
type transport File

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t != "" {
		token, err := File(t).token()
		if err != nil {
			// A RoundTripper must close the body, also on errors.
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return http.DefaultTransport.RoundTrip(req)
}
