package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/acme/app/primitives/projection/orders/internal/model"
)

// GetOrder implements query.Store.
func (s *Store) GetOrder(ctx context.Context, tenant, id string) (model.Order, error) {
	found, err := s.pool.Query(ctx, `
		SELECT tenant_id, id, title, version, created_at FROM orders WHERE tenant_id = $1 AND id = $2`, tenant, id)
	if err != nil {
		return model.Order{}, err
	}
	it, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByPos[model.Order])
	if errors.Is(err, pgx.ErrNoRows) {
		return model.Order{}, model.ErrNotFound
	}
	return it, err
}

// ListOrders implements query.Store.
func (s *Store) ListOrders(ctx context.Context, tenant, after string, limit int) ([]model.Order, error) {
	found, err := s.pool.Query(ctx, `
		SELECT tenant_id, id, title, version, created_at FROM orders
		WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3`, tenant, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByPos[model.Order])
}
