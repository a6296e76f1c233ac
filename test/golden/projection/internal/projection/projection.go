// Package projection says what events mean for the read model.
package projection

import (
	"context"
	"errors"

	"github.com/acme/app/primitives/projection/orders/internal/event"
	"github.com/acme/app/primitives/projection/orders/internal/model"
)

// Rows is the read model inside one transaction.
type Rows interface {
	// PutOrder inserts one, or replaces the one that has its tenant and id.
	PutOrder(ctx context.Context, it model.Order) error
}

// Apply brings the read model up to date with one event. What it does is saved together with the position in the
// event's stream, both or neither, so that it sees each event once and in order. A type that it does not
// know is an event.ErrUnhandled, before anything was written, because the position is saved then too; malformed data is an
// event.ErrInvalid.
func Apply(context.Context, Rows, event.Event) error {
	return errors.New("AMEIDE_SCAFFOLD: Apply has to be implemented")
}
