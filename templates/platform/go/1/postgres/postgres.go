// Package postgres opens and migrates the database of a service.
package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// DB is a pool of connections to a database, and the migrations that its schema comes from. Use [Open].
type DB struct {
	Pool *pgxpool.Pool
	sets []Migrations
}

// connectTimeout is the limit for a new connection, unless the URL has ?connect_timeout.
const connectTimeout = 3 * time.Second

// Open returns the database of a URL, which may configure the pool, as in ?pool_max_conns=20. It connects on first
// use, so a process starts without its database and reports that it is not ready. A statement ends with its context, also
// if the database hangs.
func Open(ctx context.Context, url string, sets ...Migrations) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	if !strings.Contains(url, "connect_timeout=") {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	config.ConnConfig.Tracer = tracer{}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	return &DB{pool, sets}, nil
}

// In returns the same database with another search path.
func (d *DB) In(ctx context.Context, searchPath string) (*DB, error) {
	config := d.Pool.Config()
	config.ConnConfig.RuntimeParams["search_path"] = searchPath
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &DB{pool, d.sets}, nil
}

// Ready returns an error if the database does not answer or its schema is older than this program.
func (d *DB) Ready(ctx context.Context) error {
	for _, set := range d.sets {
		want, err := set.latest()
		if err != nil {
			return err
		}
		var got int64
		if err := d.Pool.QueryRow(ctx, `SELECT max(version_id) FROM `+set.Table).Scan(&got); err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		if got < want {
			return fmt.Errorf("schema version in %s is %d, want %d: run migrate", set.Table, got, want)
		}
	}
	return nil
}

// Close waits until all connections are returned to the pool.
func (d *DB) Close() { d.Pool.Close() }

// Stop is Close until ctx ends: a database that hangs does not confirm the end of its connections.
func (d *DB) Stop(ctx context.Context) error {
	closed := make(chan struct{})
	go func() { d.Pool.Close(); close(closed) }()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
