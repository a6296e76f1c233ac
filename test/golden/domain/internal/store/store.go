// Package store keeps everything in Postgres.
package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Store is a pool of connections to the database. Use [Open].
type Store struct {
	pool *pgxpool.Pool
}

// Open returns a store on the database of a URL. It connects when it is used, so that a process starts without its
// database and says so by not being ready.
func Open(ctx context.Context, url string) (*Store, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	return &Store{pool}, nil
}

// Ready reports why the database cannot be used.
func (s *Store) Ready(ctx context.Context) error { return s.pool.Ping(ctx) }

// Close waits for all connections to be given back.
func (s *Store) Close() { s.pool.Close() }
