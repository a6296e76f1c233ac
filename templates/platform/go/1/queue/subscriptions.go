package queue

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"example.com/service/internal/platform/outbox"
)

// Subscribe implements outbox.Queue.
func (s *Queue) Subscribe(ctx context.Context, name string) error {
	return s.AddSubscription(ctx, name, true)
}

// AddSubscription adds a subscription unless it exists. With fromStart, it also receives all events that are stored, in the
// way of a replay.
func (s *Queue) AddSubscription(ctx context.Context, name string, fromStart bool) error {
	var known bool
	err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM outbox_subscriptions WHERE name = $1)`, name).Scan(&known)
	if err != nil || known {
		return err
	}
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// Append reads the table. So this waits for transactions that do not know the new subscription, and its replay
		// sees their events. New transactions wait meanwhile, so it gives up soon.
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '1s'; LOCK TABLE outbox_subscriptions IN ACCESS EXCLUSIVE MODE`); err != nil {
			return fmt.Errorf("wait for changes that are being saved: %w", err)
		}
		added, err := tx.Exec(ctx, `
			INSERT INTO outbox_subscriptions (name, from_start) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, fromStart)
		if err != nil || added.RowsAffected() == 0 || !fromStart {
			return err
		}
		_, err = startReplay(ctx, tx, outbox.Filter{Subscription: name}, true)
		return err
	})
}

// Subscriptions returns all subscriptions by name.
func (s *Queue) Subscriptions(ctx context.Context) ([]outbox.Subscription, error) {
	found, err := s.pool.Query(ctx, `
		SELECT n.name, n.paused, n.created_at, count(d.state), count(*) FILTER (WHERE d.state = 'retry'),
		       count(*) FILTER (WHERE d.state = 'dead'), min((
				SELECT o.occurred_at FROM outbox AS o
				WHERE (o.tenant_id, o.aggregate_type, o.aggregate_id) = (s.tenant_id, s.aggregate_type, s.aggregate_id)
				  AND o.sequence > d.delivered
				ORDER BY o.sequence LIMIT 1))
		FROM outbox_subscriptions AS n
		LEFT JOIN outbox_deliveries AS d ON d.subscription_id = n.subscription_id AND d.state <> 'idle'
		LEFT JOIN outbox_streams AS s USING (stream_id)
		GROUP BY n.subscription_id ORDER BY n.name`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByPos[outbox.Subscription])
}

// PauseSubscription ends or continues the delivery of events, which are kept meanwhile.
func (s *Queue) PauseSubscription(ctx context.Context, name string, paused bool) error {
	return s.changeSubscription(ctx, name, `UPDATE outbox_subscriptions SET paused = $2 WHERE name = $1`, paused)
}

// RenameSubscription changes the name; the position stays.
func (s *Queue) RenameSubscription(ctx context.Context, name, to string) error {
	return s.changeSubscription(ctx, name, `UPDATE outbox_subscriptions SET name = $2 WHERE name = $1`, to)
}

// RemoveSubscription removes a subscription with its position.
func (s *Queue) RemoveSubscription(ctx context.Context, name string) error {
	// A transaction that still knows the subscription may save a delivery of it, which nobody reads.
	return s.changeSubscription(ctx, name, `
		WITH removed AS (DELETE FROM outbox_subscriptions WHERE name = $1 RETURNING subscription_id),
		     replays AS (DELETE FROM outbox_replays WHERE subscription_id IN (SELECT subscription_id FROM removed)),
		     discards AS (DELETE FROM outbox_discards WHERE subscription_id IN (SELECT subscription_id FROM removed)),
		     deliveries AS (DELETE FROM outbox_deliveries WHERE subscription_id IN (SELECT subscription_id FROM removed))
		SELECT FROM removed`)
}

func (s *Queue) changeSubscription(ctx context.Context, name, change string, arguments ...any) error {
	changed, err := s.pool.Exec(ctx, change, append([]any{name}, arguments...)...)
	if err == nil && changed.RowsAffected() == 0 {
		err = fmt.Errorf("no subscription is called %q", name)
	}
	return err
}
