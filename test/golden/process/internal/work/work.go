// Package work is the service that does the work that the process requests.
package work

import (
	"context"
	"errors"

	"github.com/acme/app/primitives/process/orders/internal/caller"
)

// ErrRefused says that work will not be done, however often it is requested.
var ErrRefused = errors.New("the work was refused")

// Order is a request for a piece of work.
type Order struct {
	// ID is the same however often the work is requested, and correlates the message that it is done.
	ID string
	// Title is what it is about.
	Title string
}

// Service does work.
type Service interface {
	// Request requests work for a caller. An order that is known already changes nothing.
	Request(ctx context.Context, from caller.Caller, order Order) error
}
