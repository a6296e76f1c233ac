package store

import (
	"context"
	"errors"

	"github.com/acme/app/primitives/domain/orders/internal/item"
	"github.com/acme/app/primitives/domain/orders/internal/outbox"
)

// CreateItem saves an item and its event in one transaction, unless the tenant has used the request id before.
func (s *Store) CreateItem(context.Context, string, item.Item, outbox.Event) (item.Item, error) {
	return item.Item{}, errors.New("AMEIDE_SCAFFOLD: CreateItem has to be implemented")
}

// Item reads one item of a tenant.
func (s *Store) Item(context.Context, string, string) (item.Item, error) {
	return item.Item{}, errors.New("AMEIDE_SCAFFOLD: Item has to be implemented")
}
