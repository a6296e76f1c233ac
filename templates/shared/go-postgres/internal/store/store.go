// Package store implements persistence in Postgres.
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

// Open returns a store for a database URL, which may configure the pool, as in ?pool_max_conns=20. It connects on first
// use, so a process starts without its database and reports that it is not ready.
func Open(ctx context.Context, url string) (*Store, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	return &Store{pool}, nil
}

// Ready returns an error if the database does not answer or its schema is older than this program.
func (s *Store) Ready(ctx context.Context) error {
	want, err := latestVersion()
	if err != nil {
		return err
	}
	var got int64
	if err := s.pool.QueryRow(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&got); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if got < want {
		return fmt.Errorf("schema version is %d, want %d: run migrate", got, want)
	}
	return nil
}

// Close waits until all connections are returned to the pool.
func (s *Store) Close() { s.pool.Close() }
