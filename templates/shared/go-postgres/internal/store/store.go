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

// Open returns a store on the database of a URL, which may say more of the pool, as in ?pool_max_conns=20. It connects
// when it is used, so that a process starts without its database and says so by not being ready.
func Open(ctx context.Context, url string) (*Store, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	return &Store{pool}, nil
}

// Ready reports why the database cannot be used: it does not answer, or its schema is older than this program.
func (s *Store) Ready(ctx context.Context) error {
	want, err := latestVersion()
	if err != nil {
		return err
	}
	var got int64
	if err := s.pool.QueryRow(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&got); err != nil {
		return fmt.Errorf("version of the schema: %w", err)
	}
	if got < want {
		return fmt.Errorf("the schema has version %d, migrate brings it to %d", got, want)
	}
	return nil
}

// Close waits for all connections to be given back.
func (s *Store) Close() { s.pool.Close() }
