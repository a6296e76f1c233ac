package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/acme/app/primitives/domain/orders/internal/outbox"
)

// AppendEvents saves events in the transaction of their change, in their order.
func AppendEvents(ctx context.Context, tx pgx.Tx, events ...outbox.Event) error {
	for _, event := range events {
		// The row of the stream is locked until the transaction ends, also against a dispatcher that has delivered the
		// event before: one of the two sees what the other did, and makes this event due.
		_, err := tx.Exec(ctx, `
			WITH stream AS (
				INSERT INTO outbox_streams AS s (tenant_id, aggregate_type, aggregate_id, saved) VALUES ($2, $4, $5, 1)
				ON CONFLICT (tenant_id, aggregate_type, aggregate_id) DO UPDATE SET saved = s.saved + 1
				RETURNING saved, delivered)
			INSERT INTO outbox (message_id, tenant_id, type, aggregate_type, aggregate_id, sequence, state,
			                    occurred_at, actor, trace_parent, trace_state, data)
			SELECT $1, $2, $3, $4, $5, saved, CASE WHEN saved = delivered + 1 THEN 'due' ELSE 'waiting' END,
			       $6, $7, $8, $9, $10
			FROM stream`,
			event.ID, event.Tenant, event.Type, event.AggregateType, event.AggregateID,
			event.Time, event.Actor, event.TraceParent, event.TraceState, event.Data)
		if err != nil {
			return fmt.Errorf("append event %s: %w", event.ID, err)
		}
	}
	return nil
}

// Deliver implements outbox.Queue. Only the oldest event of an aggregate is ever due, which keeps their order however
// many processes deliver; its row stays locked until the outcome is saved.
func (s *Store) Deliver(ctx context.Context, publish func(context.Context, outbox.Event) error) (bool, error) {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return false, err
	}
	// Does nothing after a commit.
	defer func() { _ = tx.Rollback(ctx) }()

	event, err := dueEvent(ctx, tx)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	failure := publish(ctx, event)
	if failure == nil {
		err = delivered(ctx, tx, event)
	} else {
		failure = fmt.Errorf("event %s: %w", event.ID, failure)
		err = failed(ctx, tx, event, failure)
	}
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return false, errors.Join(failure, err)
	}
	return true, failure
}

const selectDue = `
	SELECT message_id, tenant_id, type, aggregate_type, aggregate_id, sequence,
	       occurred_at, actor, trace_parent, trace_state, data, tombstone, first, attempts
	FROM outbox
	WHERE state = 'due' AND next_attempt_at <= now()
	ORDER BY next_attempt_at, position
	LIMIT 1
	FOR UPDATE SKIP LOCKED`

func dueEvent(ctx context.Context, tx pgx.Tx) (event outbox.Event, err error) {
	err = tx.QueryRow(ctx, selectDue).Scan(
		&event.ID, &event.Tenant, &event.Type, &event.AggregateType, &event.AggregateID, &event.Sequence,
		&event.Time, &event.Actor, &event.TraceParent, &event.TraceState, &event.Data, &event.Tombstone,
		&event.First, &event.Attempts)
	return event, err
}

// delivered makes the next event of the aggregate due, if it is there already.
func delivered(ctx context.Context, tx pgx.Tx, event outbox.Event) error {
	var batch pgx.Batch
	batch.Queue(`UPDATE outbox SET state = 'delivered', delivered_at = clock_timestamp(), last_error = '' WHERE message_id = $1`, event.ID)
	batch.Queue(`
		UPDATE outbox_streams SET delivered = $4
		WHERE tenant_id = $1 AND aggregate_type = $2 AND aggregate_id = $3`,
		event.Tenant, event.AggregateType, event.AggregateID, event.Sequence)
	batch.Queue(`
		UPDATE outbox SET state = 'due', next_attempt_at = now()
		WHERE tenant_id = $1 AND aggregate_type = $2 AND aggregate_id = $3 AND sequence = $4 AND state = 'waiting'`,
		event.Tenant, event.AggregateType, event.AggregateID, event.Sequence+1)
	return tx.SendBatch(ctx, &batch).Close()
}

func failed(ctx context.Context, tx pgx.Tx, event outbox.Event, failure error) error {
	_, err := tx.Exec(ctx, `
		UPDATE outbox
		SET state = CASE WHEN $3 THEN 'dead' ELSE 'due' END, attempts = attempts + 1, last_error = $2,
		    next_attempt_at = now() + least(interval '1 second' * power(2, least(attempts, 16)), interval '5 minutes')
		WHERE message_id = $1`, event.ID, textOf(failure), errors.Is(failure, outbox.ErrRefused))
	return err
}

// textOf is an error as Postgres takes it, with any bytes in it.
func textOf(err error) string {
	text := err.Error()
	return strings.ReplaceAll(strings.ToValidUTF8(text[:min(len(text), 1000)], "?"), "\x00", "?")
}

// StuckEvents returns the events that could not be delivered, the oldest first.
func (s *Store) StuckEvents(ctx context.Context) ([]outbox.Stuck, error) {
	found, err := s.pool.Query(ctx, `
		SELECT message_id, tenant_id, type, aggregate_type, aggregate_id, sequence, state = 'dead', attempts, last_error
		FROM outbox WHERE state = 'dead' OR (state = 'due' AND attempts > 0) ORDER BY position`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByPos[outbox.Stuck])
}

// RetryEvent has a stuck event delivered at once.
func (s *Store) RetryEvent(ctx context.Context, id string) error {
	return s.changeStuck(ctx, id, `UPDATE outbox SET state = 'due', next_attempt_at = now()`)
}

// GiveUpEvent has a tombstone delivered in the place of a stuck event.
func (s *Store) GiveUpEvent(ctx context.Context, id string) error {
	return s.changeStuck(ctx, id, `UPDATE outbox SET state = 'due', next_attempt_at = now(), tombstone = true`)
}

func (s *Store) changeStuck(ctx context.Context, id, update string) error {
	changed, err := s.pool.Exec(ctx,
		update+` WHERE message_id = $1 AND (state = 'dead' OR (state = 'due' AND attempts > 0))`, id)
	if err == nil && changed.RowsAffected() == 0 {
		err = fmt.Errorf("event %s is not stuck", id)
	}
	return err
}

// Forget implements outbox.Queue. The last event of an aggregate that is no tombstone stays, and what came after it.
func (s *Store) Forget(ctx context.Context, age time.Duration, limit int) (int64, error) {
	deleted, err := s.pool.Exec(ctx, `
		DELETE FROM outbox WHERE position IN (
			SELECT position FROM outbox AS old
			WHERE state = 'delivered' AND delivered_at < now() - $1::interval AND (
				-- One look into the index of the aggregate, where EXISTS would join them all.
				SELECT true FROM outbox AS later
				WHERE later.tenant_id = old.tenant_id AND later.aggregate_type = old.aggregate_type
				  AND later.aggregate_id = old.aggregate_id AND later.sequence > old.sequence
				  AND later.state = 'delivered' AND NOT later.tombstone
				ORDER BY later.sequence LIMIT 1)
			ORDER BY delivered_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, age, limit)
	return deleted.RowsAffected(), err
}

// Replay has all events that are kept delivered again, dead ones too, in their order, and returns how many. Consumers know
// those that they have.
func (s *Store) Replay(ctx context.Context) (count int64, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Neither Deliver nor AppendEvents may move a stream meanwhile: an event that this does not see would be delivered
		// before the first one again, and those after it wait for ever.
		if _, err := tx.Exec(ctx, `LOCK TABLE outbox IN EXCLUSIVE MODE`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			UPDATE outbox_streams AS s SET delivered = kept.first - 1
			FROM (SELECT tenant_id, aggregate_type, aggregate_id, min(sequence) AS first FROM outbox GROUP BY 1, 2, 3) AS kept
			WHERE (s.tenant_id, s.aggregate_type, s.aggregate_id) = (kept.tenant_id, kept.aggregate_type, kept.aggregate_id)`)
		if err != nil {
			return err
		}
		changed, err := tx.Exec(ctx, `
			UPDATE outbox AS o
			SET first = sequence = delivered + 1, state = CASE WHEN sequence = delivered + 1 THEN 'due' ELSE 'waiting' END,
			    next_attempt_at = now(), attempts = 0
			FROM outbox_streams AS s
			WHERE (s.tenant_id, s.aggregate_type, s.aggregate_id) = (o.tenant_id, o.aggregate_type, o.aggregate_id)`)
		count = changed.RowsAffected()
		return err
	})
	return count, err
}
