// Package backend reaches the services that the tools stand for: a projection answers queries, requests go to whoever
// takes them.
package backend

import (
	"context"
	"net/http"
	"time"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
	"github.com/acme/app/primitives/integration/orders/internal/port"
)

// Backend implements port.Items over HTTP. Use [New].
type Backend struct {
	client               *http.Client
	queryURL, requestURL string
}

// New returns the backend of a projection, whose URL has no path, and of what takes CloudEvents.
func New(queryURL, requestURL string) *Backend {
	client := &http.Client{
		Timeout: 10 * time.Second,
		// Where a redirection leads need not be who takes a request, even if it answers 200.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Backend{client, queryURL, requestURL}
}

// Item gets /v1/items/{id} of the projection, with the tenant in the header Tenant-Id and the trace, if there is one, in
// Traceparent and Tracestate. The answer is {"id", "title", "version", "created"}, or 404.
func (b *Backend) Item(context.Context, caller.Caller, string) (port.Item, error) {
	return port.Item{}, port.Refused("AMEIDE_SCAFFOLD: Item has to be implemented")
}

// RequestItem posts a CloudEvent 1.0 in structured mode: source /integration/orders, type ItemRequested, the
// extensions tenant, traceparent and tracestate (the latter two only if there is a trace), data {"title",
// "requestedBy"}, the latter being the caller's subject. Its id, which is that of the request, depends on tenant,
// subject and key alone, so that whoever takes it can tell a repetition. Any 2xx says that it was taken.
func (b *Backend) RequestItem(context.Context, caller.Caller, port.Request) (port.Accepted, error) {
	return port.Accepted{}, port.Refused("AMEIDE_SCAFFOLD: RequestItem has to be implemented")
}
