// Package queue keeps the outbox in Postgres: events, subscriptions and their positions.
package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/service/internal/platform/outbox"
)

// Append saves events in order, in the transaction of their change.
func Append(ctx context.Context, tx pgx.Tx, events ...outbox.Event) error {
	for _, event := range events {
		// The rows of the stream and its deliveries are locked until the transaction ends.
		_, err := tx.Exec(ctx, `
			WITH stream AS (
				INSERT INTO outbox_streams AS s (tenant_id, aggregate_type, aggregate_id, saved) VALUES ($2, $4, $5, 1)
				ON CONFLICT (tenant_id, aggregate_type, aggregate_id) DO UPDATE SET saved = s.saved + 1
				RETURNING stream_id, saved),
			event AS (
				INSERT INTO outbox (message_id, tenant_id, type, aggregate_type, aggregate_id, sequence,
				                    occurred_at, actor, trace_parent, trace_state, request, data)
				SELECT $1, $2, $3, $4, $5, saved, $6, $7, $8, $9, $10, $11 FROM stream)
			INSERT INTO outbox_deliveries AS d (subscription_id, stream_id, saved, delivered, gap, state)
			SELECT subscription_id, stream_id, saved, CASE WHEN from_start THEN 0 ELSE saved - 1 END, NOT from_start AND saved > 1, 'live'
			FROM stream CROSS JOIN outbox_subscriptions
			ON CONFLICT (subscription_id, stream_id) DO UPDATE
			SET saved = excluded.saved,
			    state = CASE WHEN d.state IN ('idle', 'replay') THEN 'live' ELSE d.state END,
			    due_at = CASE WHEN d.state = 'idle' THEN now() ELSE d.due_at END`,
			event.ID, event.Tenant, event.Type, event.AggregateType, event.AggregateID,
			event.Time, event.Actor, event.TraceParent, event.TraceState, event.Request, event.Data)
		if err != nil {
			return fmt.Errorf("append event %s: %w", event.ID, err)
		}
	}
	// Postgres commits transactions that notify one after the other. So only one of those at the same time does; a
	// dispatcher that is woken asks again soon.
	_, err := tx.Exec(ctx, `SELECT pg_notify('outbox', '') WHERE pg_try_advisory_xact_lock('outbox'::regclass::bigint)`)
	return err
}

// Listen implements outbox.Queue with LISTEN and NOTIFY. It uses a connection of its own.
func (s *Queue) Listen(ctx context.Context, wake func()) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, `LISTEN outbox`); err != nil {
		return err
	}
	for {
		wake()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
	}
}

// runLength is the highest number of events in a run.
const runLength = 10

// nextEvents selects the next events of a delivery d with its stream s and replay r, which may be null.
const nextEvents = `
	SELECT o.* FROM outbox AS o
	WHERE (o.tenant_id, o.aggregate_type, o.aggregate_id) = (s.tenant_id, s.aggregate_type, s.aggregate_id)
	  AND o.sequence > d.delivered
	  AND (r.replay_id IS NULL OR o.sequence > d.replay_until OR ` + selected + `)
	ORDER BY o.sequence`

// selected is the condition for an event o to be part of a replay r.
const selected = `(r.type IN ('', o.type) AND r.tenant_id IN ('', o.tenant_id) AND o.occurred_at >= r.since AND o.occurred_at < r.until)`

// owner identifies the leases of this process.
var owner = rand.Text()

// Claim implements outbox.Queue.
func (s *Queue) Claim(
	ctx context.Context, subscription string, lane outbox.Lane, limit int, lease time.Duration,
) (runs []outbox.Run, err error) {
	// The lane is part of the text: an index that has its condition is used.
	found, err := s.pool.Query(ctx, fmt.Sprintf(claimStreams, lane), subscription, limit, owner, lease)
	if err != nil {
		return nil, err
	}
	streams, err := pgx.CollectRows(found, pgx.RowTo[int64])
	if err != nil || len(streams) == 0 {
		return nil, err
	}
	// A statement of its own: the one before does not see events that were saved while it waited for their aggregate.
	if found, err = s.pool.Query(ctx, readRuns, subscription, streams, runLength); err != nil {
		return nil, err
	}
	var run outbox.Run
	var event outbox.Event
	var id *string
	var gap bool
	_, err = pgx.ForEachRow(found, []any{
		&run.Stream, &run.Position, &gap, &run.Attempts, &id, &event.Tenant, &event.Type, &event.AggregateType, &event.AggregateID,
		&event.Sequence, &event.Time, &event.Actor, &event.TraceParent, &event.TraceState, &event.Request, &event.Data, &event.Tombstone,
	}, func() error {
		if len(runs) == 0 || runs[len(runs)-1].Stream != run.Stream {
			runs = append(runs, run)
		}
		if id == nil {
			return nil
		}
		next := &runs[len(runs)-1]
		previous := next.Position
		if count := len(next.Events); count > 0 {
			previous, gap = next.Events[count-1].Sequence, false
		}
		event.ID, event.First = *id, gap || event.Sequence != previous+1
		next.Events = append(next.Events, event)
		return nil
	})
	return runs, err
}

const claimStreams = `
	UPDATE outbox_deliveries AS d SET lease = $3, due_at = clock_timestamp() + $4::interval
	FROM (
		SELECT subscription_id, stream_id FROM outbox_deliveries
		WHERE subscription_id = (SELECT subscription_id FROM outbox_subscriptions WHERE name = $1 AND NOT paused)
		  AND state = '%s' AND due_at <= clock_timestamp()
		ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED) AS due
	WHERE d.subscription_id = due.subscription_id AND d.stream_id = due.stream_id
	RETURNING d.stream_id`

// readRuns has one row without an event if there is none.
const readRuns = `
	SELECT d.stream_id, d.delivered, d.gap, d.attempts, e.message_id, s.tenant_id, coalesce(e.type, ''), s.aggregate_type, s.aggregate_id,
	       coalesce(e.sequence, 0), coalesce(e.occurred_at, now()), coalesce(e.actor, ''), coalesce(e.trace_parent, ''),
	       coalesce(e.trace_state, ''), coalesce(e.request, ''), e.data, x.message_id IS NOT NULL
	FROM outbox_deliveries AS d
	JOIN outbox_streams AS s USING (stream_id)
	LEFT JOIN outbox_replays AS r USING (replay_id)
	LEFT JOIN LATERAL (` + nextEvents + ` LIMIT $3) AS e ON true
	LEFT JOIN outbox_discards AS x ON x.subscription_id = d.subscription_id AND x.message_id = e.message_id
	WHERE d.subscription_id = (SELECT subscription_id FROM outbox_subscriptions WHERE name = $1) AND d.stream_id = ANY($2)
	ORDER BY d.stream_id, e.sequence`

// Save implements outbox.Queue. It does not wait for rows that are locked by the transaction of a command.
func (s *Queue) Save(ctx context.Context, subscription string, outcomes []outbox.Outcome) ([]outbox.Outcome, error) {
	var streams, positions, reached []int64
	var results, failures []string
	for _, o := range outcomes {
		streams, positions, reached = append(streams, o.Stream), append(positions, o.Position), append(reached, o.Reached)
		results, failures = append(results, resultOf(o)), append(failures, textOf(o.Err))
	}
	found, err := s.pool.Query(ctx, saveOutcomes, subscription, owner, streams, positions, reached, results, failures)
	if err != nil {
		return outcomes, err
	}
	saved, err := pgx.CollectRows(found, pgx.RowTo[int64])
	if err != nil {
		return outcomes, err
	}
	done := map[int64]bool{}
	for _, stream := range saved {
		done[stream] = true
	}
	var rest []outbox.Outcome
	for _, o := range outcomes {
		if !done[o.Stream] {
			rest = append(rest, o)
		}
	}
	return rest, nil
}

// resultOf returns what an outcome means for the next event.
func resultOf(o outbox.Outcome) string {
	switch {
	case errors.Is(o.Err, outbox.ErrRefused):
		return "refused"
	case errors.Is(o.Err, outbox.ErrUnavailable):
		return "unavailable"
	case o.Err != nil:
		return "failed"
	case len(o.Events) == 0:
		// What is left of a replay is not selected.
		return "skipped"
	default:
		return "done"
	}
}

// saveOutcomes moves deliveries that are leased by this process and still at the position of their run; a replay may have moved
// them back, which only ends the lease.
const saveOutcomes = `
	WITH o AS (
		SELECT d.subscription_id, d.stream_id, o.failure,
		       CASE WHEN d.delivered <> o.position THEN 'done' WHEN o.result = 'skipped' AND d.replay_id IS NULL THEN 'failed' ELSE o.result END AS result,
		       CASE WHEN d.delivered <> o.position THEN d.delivered WHEN o.result = 'skipped' THEN coalesce(d.replay_until, o.position) ELSE o.reached END AS reached,
		       CASE WHEN o.reached > o.position OR d.delivered <> o.position THEN 0 ELSE d.attempts END AS attempts
		FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
		     AS o (stream_id, position, reached, result, failure)
		JOIN outbox_deliveries AS d USING (stream_id)
		WHERE d.subscription_id = (SELECT subscription_id FROM outbox_subscriptions WHERE name = $1) AND d.lease = $2
		FOR UPDATE OF d SKIP LOCKED)
	UPDATE outbox_deliveries AS d
	SET delivered = o.reached, lease = NULL,
	    gap = o.result = 'skipped' OR (d.gap AND o.reached = d.delivered),
	    attempts = o.attempts + CASE WHEN o.result IN ('failed', 'refused') THEN 1 ELSE 0 END,
	    last_error = CASE WHEN o.result IN ('failed', 'refused') THEN o.failure WHEN o.attempts > 0 THEN d.last_error ELSE '' END,
	    state = CASE WHEN o.result = 'refused' THEN 'dead'
	                 WHEN o.reached >= d.saved THEN 'idle'
	                 WHEN o.result = 'failed' OR (o.attempts > 0 AND o.result <> 'skipped') THEN 'retry'
	                 WHEN d.replay_until >= d.saved THEN 'replay'
	                 ELSE 'live' END,
	    due_at = clock_timestamp() + CASE WHEN o.result = 'failed'
	             THEN least(interval '1 second' * power(2, least(o.attempts, 16)), interval '5 minutes') ELSE interval '0' END,
	    replay_id = CASE WHEN o.reached < d.replay_until THEN d.replay_id END,
	    replay_until = CASE WHEN o.reached < d.replay_until THEN d.replay_until END
	FROM o WHERE d.subscription_id = o.subscription_id AND d.stream_id = o.stream_id
	RETURNING d.stream_id`

// textOf returns the text of an error without bytes that Postgres cannot store.
func textOf(err error) string {
	if err == nil {
		return "the event is missing"
	}
	text := err.Error()
	return strings.ReplaceAll(strings.ToValidUTF8(text[:min(len(text), 1000)], "?"), "\x00", "?")
}

// forgetBatch is how many events Forget looks at.
const forgetBatch = 1000

// Forget implements outbox.Queue. It keeps the last event of an aggregate that is no tombstone, and all after it.
func (s *Queue) Forget(ctx context.Context, age time.Duration, after int64) (next, deleted int64, err error) {
	err = s.pool.QueryRow(ctx, `
		WITH next AS (
			SELECT * FROM outbox WHERE position > $2 ORDER BY position LIMIT $3),
		old AS (
			DELETE FROM outbox WHERE position IN (
				SELECT position FROM next AS o
				WHERE o.occurred_at < now() - $1::interval
				  -- LIMIT 1 reads one index entry; EXISTS would be planned as a join.
				  AND (
					SELECT true FROM outbox AS later
					WHERE (later.tenant_id, later.aggregate_type, later.aggregate_id) = (o.tenant_id, o.aggregate_type, o.aggregate_id)
					  AND later.sequence > o.sequence
					  AND NOT EXISTS (SELECT FROM outbox_discards AS x WHERE x.message_id = later.message_id)
					ORDER BY later.sequence LIMIT 1)
				  AND (
					SELECT true FROM outbox_streams AS s CROSS JOIN outbox_subscriptions AS n
					LEFT JOIN outbox_deliveries AS d ON (d.subscription_id, d.stream_id) = (n.subscription_id, s.stream_id)
					WHERE (s.tenant_id, s.aggregate_type, s.aggregate_id) = (o.tenant_id, o.aggregate_type, o.aggregate_id)
					  AND coalesce(d.delivered < o.sequence, n.from_start)
					LIMIT 1) IS NULL)
			RETURNING 1)
		SELECT CASE WHEN count(*) < $3 OR min(occurred_at) >= now() - $1::interval THEN 0 ELSE max(position) END, (SELECT count(*) FROM old)
		FROM next`, age, after, forgetBatch).Scan(&next, &deleted)
	return next, deleted, err
}
