-- +goose Up
ALTER TABLE outbox ADD COLUMN request text NOT NULL DEFAULT '';

-- One list of events for all subscriptions: what was delivered is a position for each subscription and aggregate.
ALTER TABLE outbox_streams ADD COLUMN stream_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE;

CREATE TABLE outbox_subscriptions (
    subscription_id integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text        NOT NULL UNIQUE,
    from_start      boolean     NOT NULL,
    paused          boolean     NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN outbox_subscriptions.from_start IS 'It also receives the events from before it was created.';

CREATE TABLE outbox_deliveries (
    subscription_id integer     NOT NULL,
    stream_id       bigint      NOT NULL,
    saved           bigint      NOT NULL,
    delivered       bigint      NOT NULL,
    gap             boolean     NOT NULL DEFAULT false,
    state           text        NOT NULL CHECK (state IN ('idle', 'live', 'retry', 'replay', 'dead')),
    due_at          timestamptz NOT NULL DEFAULT now(),
    lease           text,
    attempts        integer     NOT NULL DEFAULT 0,
    last_error      text        NOT NULL DEFAULT '',
    replay_id       bigint,
    replay_until    bigint,
    PRIMARY KEY (subscription_id, stream_id)
);

CREATE INDEX outbox_deliveries_due ON outbox_deliveries (subscription_id, state, due_at)
    WHERE state IN ('live', 'retry', 'replay');
CREATE INDEX outbox_deliveries_stuck ON outbox_deliveries (subscription_id, stream_id) WHERE state IN ('retry', 'dead');
CREATE INDEX outbox_deliveries_replay ON outbox_deliveries (replay_id) WHERE replay_id IS NOT NULL;

COMMENT ON TABLE outbox_deliveries IS 'For each subscription and aggregate, the sequence of the last saved and the last delivered event.';
COMMENT ON COLUMN outbox_deliveries.gap IS 'The event before the next one is not sent to this subscription.';
COMMENT ON COLUMN outbox_deliveries.state IS
    'idle: all is delivered; live: the next event is due; retry: it failed; replay: only old events are due; dead: refused.';
COMMENT ON COLUMN outbox_deliveries.lease IS 'The dispatcher that delivers the next events now; until due_at.';
COMMENT ON COLUMN outbox_deliveries.replay_until IS 'Events up to this sequence are sent for the replay replay_id.';

CREATE TABLE outbox_replays (
    replay_id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id integer     NOT NULL,
    type            text        NOT NULL DEFAULT '',
    tenant_id       text        NOT NULL DEFAULT '',
    since           timestamptz NOT NULL DEFAULT '-infinity',
    until           timestamptz NOT NULL DEFAULT 'infinity',
    initial         boolean     NOT NULL DEFAULT false,
    state           text        NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'canceled')),
    last_stream     bigint      NOT NULL,
    cursor          bigint      NOT NULL DEFAULT 0,
    streams         bigint      NOT NULL DEFAULT 0,
    events          bigint      NOT NULL DEFAULT 0,
    started_at      timestamptz NOT NULL DEFAULT now(),
    ended_at        timestamptz
);

COMMENT ON COLUMN outbox_replays.initial IS 'It is of a new subscription, and leaves out aggregates that have had events since.';
COMMENT ON COLUMN outbox_replays.cursor IS 'The replay has begun for all aggregates up to this stream_id; it ends with last_stream.';

CREATE TABLE outbox_discards (
    subscription_id integer     NOT NULL,
    message_id      text        NOT NULL,
    reason          text        NOT NULL,
    discarded_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subscription_id, message_id)
);

COMMENT ON TABLE outbox_discards IS 'Events that are sent as tombstones, to one subscription.';

-- The only consumer so far becomes the subscription named default, at its position.
INSERT INTO outbox_subscriptions (name, from_start) SELECT 'default', true WHERE EXISTS (SELECT FROM outbox_streams);

INSERT INTO outbox_deliveries (subscription_id, stream_id, saved, delivered, gap, state, due_at, attempts, last_error)
SELECT n.subscription_id, s.stream_id, s.saved, s.delivered, coalesce(o.first, false),
       CASE WHEN s.delivered >= s.saved THEN 'idle' WHEN o.state = 'dead' THEN 'dead' WHEN o.attempts > 0 THEN 'retry' ELSE 'live' END,
       coalesce(o.next_attempt_at, now()), coalesce(o.attempts, 0), coalesce(o.last_error, '')
FROM outbox_streams AS s
CROSS JOIN outbox_subscriptions AS n
LEFT JOIN outbox AS o
       ON (o.tenant_id, o.aggregate_type, o.aggregate_id, o.sequence) = (s.tenant_id, s.aggregate_type, s.aggregate_id, s.delivered + 1);

INSERT INTO outbox_discards (subscription_id, message_id, reason)
SELECT n.subscription_id, o.message_id, 'given up' FROM outbox AS o CROSS JOIN outbox_subscriptions AS n WHERE o.tombstone;

DROP INDEX outbox_due, outbox_stuck, outbox_delivered;
ALTER TABLE outbox_streams DROP COLUMN delivered;
ALTER TABLE outbox
    DROP COLUMN state, DROP COLUMN attempts, DROP COLUMN next_attempt_at, DROP COLUMN last_error, DROP COLUMN first,
    DROP COLUMN delivered_at, DROP COLUMN tombstone;
