// Package port is what the tools need of the services behind them.
package port

import (
	"context"
	"time"

	"github.com/acme/app/primitives/integration/orders/internal/caller"
)

// Services is where orders are found and asked for.
type Services interface {
	// GetOrder returns one of the caller's tenant, or ErrNotFound.
	GetOrder(ctx context.Context, from caller.Caller, id string) (Order, error)
	// RequestOrder hands on that the caller wants a new one. No error means that a domain has taken the request, not that
	// there is one. It is one request however often a caller makes it with the same key.
	RequestOrder(ctx context.Context, from caller.Caller, request Request) (Accepted, error)
}

// Order is one as others may see it.
type Order struct {
	ID, Title string
	Version   int64
	Created   time.Time
}

// Request asks for a new one.
type Request struct{ Key, Title string }

// Accepted says that a request was handed on; what becomes of it can be found by its id.
type Accepted struct{ RequestID string }

// Refused is an error whose words are meant for the caller. Those of all others are for the log alone.
type Refused string

func (r Refused) Error() string { return string(r) }

// ErrNotFound says that the caller's tenant has nothing of this id.
const ErrNotFound = Refused("order not found")
