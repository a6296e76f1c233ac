package queue

import (
	"context"

	"github.com/jackc/pgx/v5"

	"example.com/service/internal/platform/outbox"
)

// stuck selects deliveries d whose next event e failed, by the fields of a filter.
const stuck = `
	SELECT n.name, d.subscription_id, d.stream_id, d.delivered, d.state, d.attempts, d.last_error, e.*
	FROM outbox_deliveries AS d
	JOIN outbox_subscriptions AS n USING (subscription_id)
	JOIN outbox_streams AS s USING (stream_id)
	LEFT JOIN outbox_replays AS r USING (replay_id)
	JOIN LATERAL (` + nextEvents + ` LIMIT 1) AS e ON true
	WHERE d.state IN ('retry', 'dead') AND $1 IN ('', n.name) AND $2 IN ('', e.message_id) AND $3 IN ('', e.tenant_id)
	  AND $4 IN ('', e.type) AND e.occurred_at >= $5 AND ($6 OR e.occurred_at < $7)`

func arguments(f outbox.Filter) []any {
	return []any{f.Subscription, f.ID, f.Tenant, f.Type, f.Since, f.Until.IsZero(), f.Until}
}

// StuckEvents returns events whose delivery failed, oldest first.
func (s *Queue) StuckEvents(ctx context.Context, filter outbox.Filter) ([]outbox.Stuck, error) {
	found, err := s.pool.Query(ctx, `
		SELECT name, message_id, tenant_id, type, aggregate_type, aggregate_id, sequence, occurred_at, state = 'dead', attempts, last_error
		FROM (`+stuck+`) AS stuck ORDER BY position, name`, arguments(filter)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByPos[outbox.Stuck])
}

// EventData returns the data of an event.
func (s *Queue) EventData(ctx context.Context, id string) (data []byte, err error) {
	err = s.pool.QueryRow(ctx, `SELECT data FROM outbox WHERE message_id = $1`, id).Scan(&data)
	return data, err
}

// RetryEvents makes stuck events due now, and returns how many.
func (s *Queue) RetryEvents(ctx context.Context, filter outbox.Filter) (int64, error) {
	changed, err := s.pool.Exec(ctx, `
		UPDATE outbox_deliveries AS d SET state = 'retry', due_at = now() FROM (`+stuck+`) AS stuck
		WHERE (d.subscription_id, d.stream_id) = (stuck.subscription_id, stuck.stream_id) AND `+unchanged,
		arguments(filter)...)
	return changed.RowsAffected(), err
}

// DiscardEvents replaces stuck events by tombstones, which are due now, and returns how many.
func (s *Queue) DiscardEvents(ctx context.Context, filter outbox.Filter, reason string) (int64, error) {
	changed, err := s.pool.Exec(ctx, `
		WITH changed AS (
			UPDATE outbox_deliveries AS d SET state = 'retry', due_at = now() FROM (`+stuck+`) AS stuck
			WHERE (d.subscription_id, d.stream_id) = (stuck.subscription_id, stuck.stream_id) AND `+unchanged+`
			RETURNING d.subscription_id, stuck.message_id)
		INSERT INTO outbox_discards (subscription_id, message_id, reason) SELECT subscription_id, message_id, $8 FROM changed
		ON CONFLICT (subscription_id, message_id) DO UPDATE SET reason = excluded.reason`,
		append(arguments(filter), reason)...)
	return changed.RowsAffected(), err
}

// unchanged is the condition for a delivery d to be changed by hand: its next event is the same, and nobody sends it.
const unchanged = `d.delivered = stuck.delivered AND d.state IN ('retry', 'dead') AND (d.lease IS NULL OR d.due_at <= now())`
