package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"example.com/service/internal/platform/outbox"
)

// replayBatch is how many aggregates are made due at once.
const replayBatch = 500

// StartReplay makes a dispatcher send stored events to a subscription again. It returns the id of the replay.
func (s *Queue) StartReplay(ctx context.Context, filter outbox.Filter) (id int64, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		id, err = startReplay(ctx, tx, filter, false)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("no subscription is called %q", filter.Subscription)
	}
	return id, err
}

func startReplay(ctx context.Context, tx pgx.Tx, f outbox.Filter, initial bool) (id int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO outbox_replays (subscription_id, type, tenant_id, since, until, initial, last_stream)
		SELECT subscription_id, $2, $3, $4, CASE WHEN $5 THEN 'infinity' ELSE $6::timestamptz END, $7,
		       coalesce((SELECT max(stream_id) FROM outbox_streams), 0)
		FROM outbox_subscriptions WHERE name = $1
		RETURNING replay_id`, f.Subscription, f.Type, f.Tenant, f.Since, f.Until.IsZero(), f.Until, initial).Scan(&id)
	return id, err
}

// ContinueReplay implements outbox.Queue. It takes the next aggregates of the oldest replay that runs, and moves their
// deliveries back. Live events of these aggregates are due after those of the replay, at once.
func (s *Queue) ContinueReplay(ctx context.Context, subscription string) (more bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var replay, cursor int64
		err := tx.QueryRow(ctx, `
			SELECT replay_id, cursor FROM outbox_replays JOIN outbox_subscriptions USING (subscription_id)
			WHERE name = $1 AND state = 'running' AND NOT paused
			ORDER BY replay_id LIMIT 1 FOR UPDATE OF outbox_replays SKIP LOCKED`, subscription).Scan(&replay, &cursor)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		streams, last, err := freeStreams(ctx, tx, replay, cursor)
		if err != nil {
			return err
		}
		if last {
			_, err := tx.Exec(ctx, `
				UPDATE outbox_replays AS r SET state = 'done', cursor = last_stream, ended_at = now()
				WHERE replay_id = $1 AND NOT EXISTS (SELECT FROM outbox_deliveries AS d WHERE d.replay_id = r.replay_id)`, replay)
			return err
		}
		if more = len(streams) > 0; !more {
			return nil
		}
		var events int64
		if err := tx.QueryRow(ctx, moveBack, replay, streams).Scan(&events); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE outbox_replays SET cursor = $2, streams = streams + $3, events = events + $4 WHERE replay_id = $1`,
			replay, streams[len(streams)-1], len(streams), events)
		return err
	})
	return more, err
}

// freeStreams locks the next aggregates of a replay, up to the first one that a command has locked. It reports whether there
// are none left.
func freeStreams(ctx context.Context, tx pgx.Tx, replay, cursor int64) (free []int64, last bool, err error) {
	found, err := tx.Query(ctx, `
		SELECT stream_id FROM outbox_streams AS s JOIN outbox_replays AS r ON replay_id = $1
		WHERE stream_id > $2 AND stream_id <= last_stream AND r.tenant_id IN ('', s.tenant_id)
		ORDER BY stream_id LIMIT $3`, replay, cursor, replayBatch)
	if err != nil {
		return nil, false, err
	}
	next, err := pgx.CollectRows(found, pgx.RowTo[int64])
	if err != nil {
		return nil, false, err
	}
	found, err = tx.Query(ctx, `
		SELECT stream_id FROM outbox_streams WHERE stream_id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED`, next)
	if err != nil {
		return nil, false, err
	}
	locked, err := pgx.CollectRows(found, pgx.RowTo[int64])
	if err != nil {
		return nil, false, err
	}
	for i, stream := range next {
		if !slices.Contains(locked, stream) {
			return next[:i], false, nil
		}
	}
	return next, len(next) == 0, nil
}

// moveBack moves the deliveries of some aggregates before their first event that a replay selects, and returns how many
// events these are. A delivery that is leased stays so: its outcome does not count, since it is no longer at its position.
const moveBack = `
	WITH old AS (
		SELECT s.stream_id, s.saved, r.subscription_id, e.first, e.count
		FROM outbox_streams AS s
		JOIN outbox_replays AS r ON r.replay_id = $1
		JOIN LATERAL (
			SELECT min(o.sequence) AS first, count(*) AS count FROM outbox AS o
			WHERE (o.tenant_id, o.aggregate_type, o.aggregate_id) = (s.tenant_id, s.aggregate_type, s.aggregate_id) AND ` + selected + `
		) AS e ON e.count > 0
		WHERE s.stream_id = ANY($2)),
	moved AS (
		INSERT INTO outbox_deliveries AS d (subscription_id, stream_id, saved, delivered, gap, state, replay_id, replay_until)
		SELECT subscription_id, stream_id, saved, first - 1, first > 1, 'replay', $1, saved FROM old
		ON CONFLICT (subscription_id, stream_id) DO UPDATE
		SET delivered = excluded.delivered, gap = excluded.gap, replay_id = $1, replay_until = d.delivered, attempts = 0,
		    state = CASE WHEN d.saved > d.delivered THEN 'live' ELSE 'replay' END,
		    due_at = CASE WHEN d.lease IS NULL THEN now() ELSE d.due_at END
		WHERE excluded.delivered < d.delivered AND NOT (SELECT initial FROM outbox_replays WHERE replay_id = $1)
		RETURNING stream_id)
	SELECT coalesce(sum(count), 0)::bigint FROM old JOIN moved USING (stream_id)`

// CancelReplay ends a replay. Events that it has not sent are not sent.
func (s *Queue) CancelReplay(ctx context.Context, id int64) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		changed, err := tx.Exec(ctx, `
			UPDATE outbox_replays SET state = 'canceled', ended_at = now() WHERE replay_id = $1 AND state = 'running'`, id)
		if err == nil && changed.RowsAffected() == 0 {
			err = fmt.Errorf("no replay with id %d runs", id)
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE outbox_deliveries
			SET delivered = replay_until, gap = true, replay_id = NULL, replay_until = NULL, attempts = 0,
			    state = CASE WHEN saved > replay_until THEN 'live' ELSE 'idle' END
			WHERE replay_id = $1`, id)
		return err
	})
}

// Replays returns all replays, newest first.
func (s *Queue) Replays(ctx context.Context) ([]outbox.ReplayStatus, error) {
	found, err := s.pool.Query(ctx, `
		SELECT replay_id, name, state, started_at, ended_at, streams, events,
		       (SELECT count(*) FROM outbox_deliveries AS d WHERE d.replay_id = r.replay_id),
		       CASE WHEN state = 'done' OR last_stream = 0 THEN 1 ELSE round(cursor::numeric / last_stream, 3) END::float8
		FROM outbox_replays AS r JOIN outbox_subscriptions USING (subscription_id) ORDER BY replay_id DESC`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByPos[outbox.ReplayStatus])
}
