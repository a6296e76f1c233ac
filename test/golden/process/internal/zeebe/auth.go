package zeebe

import (
	"context"
	"net/http"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
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

// OAuth adds a token to each request, which it gets with client credentials and keeps until it ends.
func OAuth(tokenURL, clientID, clientSecret, audience string, next http.RoundTripper) http.RoundTripper {
	config := clientcredentials.Config{
		ClientID:       clientID,
		ClientSecret:   clientSecret,
		TokenURL:       tokenURL,
		EndpointParams: map[string][]string{"audience": {audience}},
	}
	client := &http.Client{Transport: next, CheckRedirect: stay, Timeout: requestTimeout}
	source := config.TokenSource(context.WithValue(context.Background(), oauth2.HTTPClient, client))
	return &oauth2.Transport{Source: source, Base: next}
}
