package zeebe

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"
)

type basic struct {
	username, password string
	next               http.RoundTripper
}

// Basic adds a user name and a password to each request.
func Basic(username, password string, next http.RoundTripper) http.RoundTripper {
	return &basic{username, password, next}
}

// RoundTrip implements [http.RoundTripper].
func (b *basic) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.SetBasicAuth(b.username, b.password)
	return b.next.RoundTrip(req)
}

type oauth struct {
	source oauth2.TokenSource
	group  singleflight.Group
	next   http.RoundTripper
}

// OAuth adds a token to each request, which it gets with client credentials and caches until it expires.
func OAuth(tokenURL, clientID, clientSecret, audience string, next http.RoundTripper) http.RoundTripper {
	config := clientcredentials.Config{
		ClientID:       clientID,
		ClientSecret:   clientSecret,
		TokenURL:       tokenURL,
		EndpointParams: map[string][]string{"audience": {audience}},
	}
	client := &http.Client{Transport: next, CheckRedirect: stay, Timeout: requestTimeout}
	source := config.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, client))
	return &oauth{source: source, next: next}
}

// RoundTrip implements [http.RoundTripper]. Concurrent requests share one token request, and each waits for it no longer
// than its own context allows.
func (o *oauth) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := o.token(req.Context())
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	req = req.Clone(req.Context())
	token.SetAuthHeader(req)
	return o.next.RoundTrip(req)
}

func (o *oauth) token(ctx context.Context) (*oauth2.Token, error) {
	got := o.group.DoChan("", func() (any, error) { return o.source.Token() })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a token: %w", ctx.Err())
	case result := <-got:
		// The response may be a whole page.
		if refused, ok := errors.AsType[*oauth2.RetrieveError](result.Err); ok {
			return nil, fmt.Errorf("request token: status %d: %.*q", refused.Response.StatusCode, maxDetail, refused.ErrorCode)
		}
		if result.Err != nil {
			return nil, fmt.Errorf("request token: %w", result.Err)
		}
		return result.Val.(*oauth2.Token), nil
	}
}
