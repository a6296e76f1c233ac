// Package rebuild rebuilds the tables of a read model from a replay of events, in a schema beside that of the live ones,
// and switches to them.
//
// The live tables are in the current schema, such as public. The new ones are in public_next until the switch, which moves the
// live ones to public_old. In both, the table streams has the position of each stream.
package rebuild

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"example.com/service/internal/platform/postgres"
)

// Exists is the SQL expression for whether new tables are being built. It does not change during a transaction that has written
// to streams.
const Exists = `to_regnamespace(quote_ident(current_schema() || '_next')) IS NOT NULL`

// path is the search path with the schema of suffix $1 in place of the live one: no statement finds a live table.
const path = `(
	SELECT string_agg(quote_ident(CASE WHEN name = current_schema() THEN name || $1 ELSE name END), ', ' ORDER BY place)
	FROM unnest(current_schemas(false)) WITH ORDINALITY AS found (name, place))`

// starting is the lock of the start of a rebuild of the live schema.
const starting = `hashtextextended('rebuild of ' || current_schema(), 0)`

// Enter makes the rest of a transaction use the new tables.
func Enter(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT set_config('search_path', `+path+`, true)`, next)
	return err
}

// Migrate updates the schema of the live tables, and that of new ones.
func Migrate(ctx context.Context, log *slog.Logger, url string, sets ...postgres.Migrations) error {
	db, err := postgres.Open(ctx, url, sets...)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx, log); err != nil {
		return err
	}
	var exists bool
	if err := db.Pool.QueryRow(ctx, `SELECT `+Exists).Scan(&exists); err != nil || !exists {
		return err
	}
	return migrate(ctx, log, db, next)
}

// migrate makes or updates the tables in the schema of a suffix.
func migrate(ctx context.Context, log *slog.Logger, db *postgres.DB, suffix string) error {
	var searched string
	if err := db.Pool.QueryRow(ctx, `SELECT `+path, suffix).Scan(&searched); err != nil {
		return err
	}
	beside, err := db.In(ctx, searched)
	if err != nil {
		return err
	}
	defer beside.Close()
	return beside.Migrate(ctx, log.With("schema", searched))
}

// Start makes new tables, without rows. From then on events are applied to them, too.
func Start(ctx context.Context, log *slog.Logger, db *postgres.DB) error {
	conn, err := db.Pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	var isOnly bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(`+starting+`)`).Scan(&isOnly); err != nil {
		return err
	}
	if !isOnly {
		return errors.New("another start of a rebuild is at work: see rebuild status")
	}
	defer func() {
		if _, err := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(`+starting+`)`); err != nil {
			// The lock ends with the connection.
			_ = conn.Conn().Close(context.WithoutCancel(ctx))
		}
	}()
	s, err := find(ctx, db.Pool)
	if err == nil {
		err = s.expect(None)
	}
	if err != nil {
		return err
	}
	// A start that was killed has left some.
	if err := s.exec(ctx, db.Pool, `DROP SCHEMA IF EXISTS {making} CASCADE; CREATE SCHEMA {making}`); err != nil {
		return err
	}
	if err := migrate(ctx, log, db, making); err != nil {
		return errors.Join(err, s.exec(ctx, db.Pool, `DROP SCHEMA {making} CASCADE`))
	}
	return s.exec(ctx, db.Pool, `ALTER SCHEMA {making} RENAME TO {next}`)
}

// Read returns how far a rebuild is.
func Read(ctx context.Context, db *postgres.DB) (Status, error) {
	s, err := find(ctx, db.Pool)
	if err != nil {
		return Status{}, err
	}
	return s.status(ctx, db.Pool)
}

// Switch puts the new tables in the place of the live ones, which are kept. A query sees all of one or all of the other. Unless
// incomplete is true, it returns an error if the new ones lack events.
func Switch(ctx context.Context, db *postgres.DB, incomplete bool) error {
	check := func(status Status, err error) error {
		if err == nil && status.Behind > 0 && !incomplete {
			err = fmt.Errorf("the new tables lack events of %d of %d streams: wait for the replay", status.Behind, status.Streams)
		}
		return err
	}
	// So events do not wait for a refusal.
	if err := check(Read(ctx, db)); err != nil {
		return err
	}
	return alone(ctx, db, Building, func(tx pgx.Tx, s schemas) error {
		if err := check(s.status(ctx, tx)); err != nil {
			return err
		}
		if err := s.exec(ctx, tx, `CREATE SCHEMA {old}`); err != nil {
			return err
		}
		if err := s.move(ctx, tx, s.live, s.live+old); err != nil {
			return err
		}
		if err := s.move(ctx, tx, s.live+next, s.live); err != nil {
			return err
		}
		return s.exec(ctx, tx, `DROP SCHEMA {next}`)
	})
}

// Cancel removes the new tables.
func Cancel(ctx context.Context, db *postgres.DB) error {
	return alone(ctx, db, Building, func(tx pgx.Tx, s schemas) error {
		return s.exec(ctx, tx, `DROP SCHEMA {next} CASCADE`)
	})
}

// Drop removes the old tables after a switch.
func Drop(ctx context.Context, db *postgres.DB) error {
	return alone(ctx, db, Switched, func(tx pgx.Tx, s schemas) error {
		return s.exec(ctx, tx, `DROP SCHEMA {old} CASCADE`)
	})
}

// alone runs do, in a state of a rebuild, while no event is being applied.
func alone(ctx context.Context, db *postgres.DB, state State, do func(pgx.Tx, schemas) error) error {
	return pgx.BeginFunc(ctx, db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '5s'; LOCK TABLE streams IN ACCESS EXCLUSIVE MODE`); err != nil {
			return err
		}
		s, err := find(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.expect(state); err != nil {
			return err
		}
		return do(tx, s)
	})
}
