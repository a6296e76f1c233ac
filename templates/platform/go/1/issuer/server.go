package issuer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	fetchTimeout = 5 * time.Second
	maxBody      = 1 << 20
)

// Server is where an issuer publishes its keys. Its files are read with each fetch, since they are rotated.
type Server struct {
	// URL is the issuer, as in the claim iss of its tokens.
	URL string `json:"issuer"`
	// CAFile has the certificates that its server is verified with; by default those of the system.
	CAFile string `json:"caFile"`
	// TokenFile has the token that is sent to it: Kubernetes publishes its keys to its service accounts only.
	TokenFile string `json:"tokenFile"`
}

// Check returns an error if the settings cannot work.
func (s Server) Check() error {
	if parsed, err := url.Parse(s.URL); err != nil || !isWeb(parsed) || parsed.User != nil || parsed.RawQuery != "" {
		return errors.New("issuer must be a URL such as https://id.example.com, without user and query")
	}
	if _, err := s.client(); err != nil {
		return err
	}
	_, err := s.token()
	return err
}

func isWeb(address *url.URL) bool {
	return (address.Scheme == "https" || address.Scheme == "http") && address.Host != ""
}

// keys fetches the public keys that sign tokens. Those of a type that is not known are left out.
func (s Server) keys(ctx context.Context) ([]jose.JSONWebKey, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	var document struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := s.get(ctx, client, strings.TrimSuffix(s.URL, "/")+"/.well-known/openid-configuration", &document); err != nil {
		return nil, err
	}
	if document.Issuer != s.URL {
		return nil, fmt.Errorf("%s says that it is the issuer %q", s.URL, document.Issuer)
	}
	if strings.HasPrefix(s.URL, "https:") && !strings.HasPrefix(document.Keys, "https:") {
		return nil, fmt.Errorf("%s has its keys at %q, without TLS", s.URL, document.Keys)
	}
	var set struct{ Keys []json.RawMessage }
	if err := s.get(ctx, client, document.Keys, &set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && key.IsPublic() && (key.Use == "" || key.Use == "sig") {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no keys", document.Keys)
	}
	return keys, nil
}

// client returns a client that does not follow redirects: the token is for this server.
func (s Server) client() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if s.CAFile != "" {
		certificates, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(certificates) {
			return nil, fmt.Errorf("%s has no certificates", s.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func (s Server) token() (string, error) {
	if s.TokenFile == "" {
		return "", nil
	}
	token, err := os.ReadFile(s.TokenFile)
	return strings.TrimSpace(string(token)), err
}

func (s Server) get(ctx context.Context, client *http.Client, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	token, err := s.token()
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: status %d", address, resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(into); err != nil {
		return fmt.Errorf("GET %s: %w", address, err)
	}
	return nil
}
