package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/acme/app/primitives/domain/orders/internal/outbox"
)

// AppendEvent saves an event in the transaction of the change that it tells of.
func AppendEvent(ctx context.Context, tx pgx.Tx, event outbox.Event) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO outbox (message_id, tenant_id, type, aggregate_type, aggregate_id, aggregate_version,
		                    occurred_at, trace_parent, trace_state, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		event.ID, event.Tenant, event.Type, event.AggregateType, event.AggregateID, event.Version,
		event.Time, event.TraceParent, event.TraceState, event.Data)
	if err != nil {
		return fmt.Errorf("append event %s: %w", event.ID, err)
	}
	return nil
}

// Deliver implements outbox.Queue. An event is due only if it is the oldest of its aggregate, which keeps their order
// however many processes deliver; its row stays locked until the outcome is saved.
func (s *Store) Deliver(ctx context.Context, publish func(context.Context, outbox.Event) error) (bool, error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return false, err
	}
	// Does nothing after a commit.
	defer func() { _ = tx.Rollback(ctx) }()

	position, event, err := nextEvent(ctx, tx)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	failure := publish(ctx, event)
	if failure == nil {
		_, err = tx.Exec(ctx, `DELETE FROM outbox WHERE position = $1`, position)
	} else {
		failure = fmt.Errorf("event %s: %w", event.ID, failure)
		_, err = tx.Exec(ctx, `
			UPDATE outbox
			SET attempts = attempts + 1, last_error = $2,
			    next_attempt_at = now() + least(interval '1 second' * power(2, least(attempts, 16)), interval '5 minutes')
			WHERE position = $1`, position, textOf(failure))
	}
	if err == nil {
		err = tx.Commit(ctx)
	}
	return true, errors.Join(failure, err)
}

// textOf is an error as Postgres takes it, whatever bytes of others are in it.
func textOf(err error) string {
	text := err.Error()
	return strings.ReplaceAll(strings.ToValidUTF8(text[:min(len(text), 1000)], "?"), "\x00", "?")
}

func nextEvent(ctx context.Context, tx pgx.Tx) (position int64, event outbox.Event, err error) {
	err = tx.QueryRow(ctx, `
		SELECT position, message_id, tenant_id, type, aggregate_type, aggregate_id, aggregate_version,
		       occurred_at, trace_parent, trace_state, data
		FROM outbox AS due
		WHERE next_attempt_at <= now() AND NOT EXISTS (
			SELECT FROM outbox AS older
			WHERE older.tenant_id = due.tenant_id AND older.aggregate_type = due.aggregate_type
			  AND older.aggregate_id = due.aggregate_id AND older.aggregate_version < due.aggregate_version)
		ORDER BY next_attempt_at, position
		LIMIT 1
		FOR UPDATE SKIP LOCKED`).Scan(
		&position, &event.ID, &event.Tenant, &event.Type, &event.AggregateType, &event.AggregateID, &event.Version,
		&event.Time, &event.TraceParent, &event.TraceState, &event.Data)
	return position, event, err
}
