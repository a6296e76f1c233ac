package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/acme/app/primitives/projection/orders/internal/event"
	"github.com/acme/app/primitives/projection/orders/internal/ingest"
	"github.com/acme/app/primitives/projection/orders/internal/model"
	"github.com/acme/app/primitives/projection/orders/internal/projection"
)

// Apply is what an event means, such as projection.Apply. It returns event.ErrUnhandled before it writes anything: what it
// wrote would be saved with the position.
type Apply func(ctx context.Context, rows projection.Rows, event event.Event) error

// Ingester applies events to the read model of a store.
type Ingester struct {
	Store *Store
	Apply Apply
}

// Ingest implements ingest.Store. Events of one stream wait for each other, those of different ones do not.
func (i *Ingester) Ingest(ctx context.Context, e event.Event) (outcome ingest.Outcome, err error) {
	err = pgx.BeginFunc(ctx, i.Store.pool, func(tx pgx.Tx) error {
		position, err := lockStream(ctx, tx, e.Stream)
		if err != nil {
			return err
		}
		if e.Sequence <= position {
			outcome = ingest.Duplicate
			return nil
		}
		if e.Sequence > position+1 && !e.First {
			return fmt.Errorf("%w: got %d of %s after %d", ingest.ErrGap, e.Sequence, e.Stream.Subject, position)
		}
		if outcome, err = i.apply(ctx, rows{tx}, e); err != nil {
			return fmt.Errorf("apply %s: %w", e.ID, err)
		}
		return moveStream(ctx, tx, e.Stream, e.Sequence)
	})
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && isAboutData(refused) {
		return "", fmt.Errorf("%w: the database cannot keep what is in it (SQLSTATE %s)", event.ErrInvalid, refused.Code)
	}
	if err != nil {
		return "", err
	}
	return outcome, nil
}

func (i *Ingester) apply(ctx context.Context, rows projection.Rows, e event.Event) (ingest.Outcome, error) {
	if e.Type == event.Tombstone {
		return ingest.Skipped, nil
	}
	err := i.Apply(ctx, rows, e)
	if errors.Is(err, event.ErrUnhandled) {
		return ingest.Ignored, nil
	}
	return ingest.Applied, err
}

// isAboutData tells apart what is wrong with values, such as a NUL, a text that is too long for an index (classes 22 and 54) or
// a constraint (class 23), from what a later attempt may get over. A missing foreign row (23503) may still come.
func isAboutData(err *pgconn.PgError) bool {
	class := err.Code[:min(len(err.Code), 2)]
	return class == "22" || class == "54" || (class == "23" && err.Code != "23503")
}

// lockStream returns the position of a stream, 0 of a new one, and keeps it to this transaction.
func lockStream(ctx context.Context, tx pgx.Tx, stream event.Stream) (position int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO streams (source, tenant_id, subject, position) VALUES ($1, $2, $3, 0)
		ON CONFLICT (source, tenant_id, subject) DO UPDATE SET position = streams.position
		RETURNING position`, stream.Source, stream.Tenant, stream.Subject).Scan(&position)
	return position, err
}

func moveStream(ctx context.Context, tx pgx.Tx, stream event.Stream, position int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE streams SET position = $4 WHERE source = $1 AND tenant_id = $2 AND subject = $3`,
		stream.Source, stream.Tenant, stream.Subject, position)
	return err
}

// rows implements projection.Rows.
type rows struct{ tx pgx.Tx }

func (r rows) PutOrder(ctx context.Context, it model.Order) error {
	_, err := r.tx.Exec(ctx, `
		INSERT INTO orders (tenant_id, id, title, version, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant_id, id) DO UPDATE
		SET title = excluded.title, version = excluded.version, created_at = excluded.created_at`,
		it.Tenant, it.ID, it.Title, it.Version, it.Created)
	return err
}
