// Package backend reaches the services behind the tools: a projection answers queries, a domain takes commands.
package backend

import (
	"context"
	"net/http"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
	"github.com/acme/app/primitives/integration/orders/internal/port"
)

// Backend implements port.Services over HTTP. Use [New]. All requests carry the caller in Tenant-Id and Subject-Id, and the
// trace, if there is one, in Traceparent and Tracestate.
type Backend struct {
	client               *http.Client
	queryURL, requestURL string
}

// New returns the backend of a list of a projection and a method of a domain. The client follows no redirect: where one
// leads need not be who answers, even with 200.
func New(client *http.Client, queryURL, requestURL string) *Backend {
	return &Backend{client, queryURL, requestURL}
}

// GetOrder gets {id} below the list of the projection. The answer is {"id", "title", "version", "created"}, or 404.
func (b *Backend) GetOrder(context.Context, caller.Caller, string) (port.Order, error) {
	return port.Order{}, port.Refused("AMEIDE_SCAFFOLD: GetOrder has to be implemented")
}

// RequestOrder posts {"requestId", "title"} to the method of the domain, over Connect's protocol. The id of the request
// depends on tenant, subject and key alone, so that the domain can tell a repetition. Any 2xx says that it was taken; 400
// has the words for the caller in {"message"}.
func (b *Backend) RequestOrder(context.Context, caller.Caller, port.Request) (port.Accepted, error) {
	return port.Accepted{}, port.Refused("AMEIDE_SCAFFOLD: RequestOrder has to be implemented")
}
