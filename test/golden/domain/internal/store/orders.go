package store

import (
	"context"
	"errors"

	"github.com/acme/app/primitives/domain/orders/internal/model"
	"github.com/acme/app/primitives/domain/orders/internal/outbox"
)

// CreateOrder implements service.Store: one transaction, unless the tenant has used the request id before.
func (s *Store) CreateOrder(context.Context, string, model.Order, ...outbox.Event) (model.Order, error) {
	return model.Order{}, errors.New("AMEIDE_SCAFFOLD: CreateOrder has to be implemented")
}

// GetOrder implements service.Store.
func (s *Store) GetOrder(context.Context, string, string) (model.Order, error) {
	return model.Order{}, errors.New("AMEIDE_SCAFFOLD: GetOrder has to be implemented")
}

// SaveOrder implements service.Store: one transaction, whose UPDATE is for the version before alone.
func (s *Store) SaveOrder(context.Context, model.Order, ...outbox.Event) error {
	return errors.New("AMEIDE_SCAFFOLD: SaveOrder has to be implemented")
}
