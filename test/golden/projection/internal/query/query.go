// Package query answers questions about the read model over HTTP, in JSON.
package query

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/acme/app/primitives/projection/orders/internal/model"
)

// Store is where the answers come from.
type Store interface {
	// GetOrder returns one of a tenant, or model.ErrNotFound.
	GetOrder(ctx context.Context, tenant, id string) (model.Order, error)
	// ListOrders returns at most limit of a tenant in the order of their ids, from the first after a given one.
	ListOrders(ctx context.Context, tenant, after string, limit int) ([]model.Order, error)
}

// API is the handlers of all queries. Each names its tenant in the header Tenant-Id; the proxy in front has to
// have checked it.
type API struct {
	Store Store
	Log   *slog.Logger
}

// Register adds all queries to mux.
func (a *API) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/orders/{id}", a.forTenant(a.getOrder))
	mux.HandleFunc("GET /v1/orders", a.forTenant(a.listOrders))
}

// getOrder answers a tenant with one: {"id", "title", "version", "created"}, or 404.
func (a *API) getOrder(w http.ResponseWriter, _ *http.Request, _ string) {
	http.Error(w, "AMEIDE_SCAFFOLD: getOrder has to be implemented", http.StatusNotImplemented)
}

// listOrders answers a tenant with {"orders": [...], "next": "..."}: at most 100 after the id in the query parameter
// `after`; next is what to pass there for the rest, or absent.
func (a *API) listOrders(w http.ResponseWriter, _ *http.Request, _ string) {
	http.Error(w, "AMEIDE_SCAFFOLD: listOrders has to be implemented", http.StatusNotImplemented)
}
