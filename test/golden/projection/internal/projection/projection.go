// Package projection says what events mean for the read model.
package projection

import (
	"context"
	"errors"

	"github.com/acme/app/primitives/projection/orders/internal/event"
	"github.com/acme/app/primitives/projection/orders/internal/item"
)

// Rows is the read model inside one transaction.
type Rows interface {
	// PutItem inserts an item, or replaces the one that has its tenant and id.
	PutItem(ctx context.Context, it item.Item) error
}

// Apply brings the read model up to date with one event. Whatever it does is saved together with the position in the
// event's stream, both or neither, so that it sees each event once and in order. Types that it does not know mean
// nothing to it. Malformed data is an event.ErrInvalid.
func Apply(context.Context, Rows, event.Event) error {
	return errors.New("AMEIDE_SCAFFOLD: Apply has to be implemented")
}
