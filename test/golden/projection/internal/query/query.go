// Package query answers questions about the read model over HTTP, in JSON.
package query

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/acme/app/primitives/projection/orders/internal/item"
)

// Store is where the answers come from.
type Store interface {
	// Item returns one item of a tenant, or item.ErrNotFound.
	Item(ctx context.Context, tenant, id string) (item.Item, error)
	// Items returns at most limit items of a tenant in the order of their ids, from the first after a given one.
	Items(ctx context.Context, tenant, after string, limit int) ([]item.Item, error)
}

// API is the handlers of all queries. Each names its tenant in the header Tenant-Id; whatever lets requests in has to
// have checked it.
type API struct {
	Store Store
	Log   *slog.Logger
}

// Register adds all queries to mux.
func (a *API) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/items/{id}", forTenant(a.getItem))
	mux.HandleFunc("GET /v1/items", forTenant(a.listItems))
}

// getItem answers a tenant with one item: {"id", "title", "version", "created"}, or 404.
func (a *API) getItem(w http.ResponseWriter, _ *http.Request, _ string) {
	http.Error(w, "AMEIDE_SCAFFOLD: getItem has to be implemented", http.StatusNotImplemented)
}

// listItems answers a tenant with {"items": [...], "next": "..."}: at most 100 items after the id in the query parameter
// `after`; next is what to pass there for the rest, or absent.
func (a *API) listItems(w http.ResponseWriter, _ *http.Request, _ string) {
	http.Error(w, "AMEIDE_SCAFFOLD: listItems has to be implemented", http.StatusNotImplemented)
}
