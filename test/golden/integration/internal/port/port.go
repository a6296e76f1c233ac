// Package port is what the tools need of the services that they stand for.
package port

import (
	"context"
	"time"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
)

// Items is where items are found and asked for.
type Items interface {
	// Item returns one item of the caller's tenant, or ErrNotFound.
	Item(ctx context.Context, from caller.Caller, id string) (Item, error)
	// RequestItem hands on that the caller wants a new item. That there is no error means that somebody will see to it,
	// not that there is an item. It is one request however often a caller makes it with the same key.
	RequestItem(ctx context.Context, from caller.Caller, request Request) (Accepted, error)
}

// Item is an item as others may see it.
type Item struct {
	ID, Title string
	Version   int64
	Created   time.Time
}

// Request asks for a new item.
type Request struct{ Key, Title string }

// Accepted says that a request was handed on; what becomes of it can be found by its id.
type Accepted struct{ RequestID string }

// Refused is an error whose words are meant for the caller. Those of all others are for the log alone.
type Refused string

func (r Refused) Error() string { return string(r) }

// ErrNotFound says that the caller's tenant has no such item.
const ErrNotFound = Refused("there is no such item")
