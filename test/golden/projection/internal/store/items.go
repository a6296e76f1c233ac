package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/acme/app/primitives/projection/orders/internal/item"
)

// Item implements query.Store.
func (s *Store) Item(ctx context.Context, tenant, id string) (item.Item, error) {
	found, err := s.pool.Query(ctx, `
		SELECT tenant_id, id, title, version, created_at FROM items WHERE tenant_id = $1 AND id = $2`, tenant, id)
	if err != nil {
		return item.Item{}, err
	}
	it, err := pgx.CollectExactlyOneRow(found, pgx.RowToStructByPos[item.Item])
	if errors.Is(err, pgx.ErrNoRows) {
		return item.Item{}, item.ErrNotFound
	}
	return it, err
}

// Items implements query.Store.
func (s *Store) Items(ctx context.Context, tenant, after string, limit int) ([]item.Item, error) {
	found, err := s.pool.Query(ctx, `
		SELECT tenant_id, id, title, version, created_at FROM items
		WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3`, tenant, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByPos[item.Item])
}
