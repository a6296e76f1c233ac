-- +goose Up
CREATE TABLE outbox_streams (
    tenant_id      text   NOT NULL,
    aggregate_type text   NOT NULL,
    aggregate_id   text   NOT NULL,
    saved          bigint NOT NULL,
    delivered      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, aggregate_type, aggregate_id)
);

COMMENT ON TABLE outbox_streams IS 'For each aggregate, the sequence of the last saved and the last delivered event.';

CREATE TABLE outbox (
    position        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id      text        NOT NULL UNIQUE,
    tenant_id       text        NOT NULL,
    type            text        NOT NULL,
    aggregate_type  text        NOT NULL,
    aggregate_id    text        NOT NULL,
    sequence        bigint      NOT NULL,
    occurred_at     timestamptz NOT NULL,
    actor           text        NOT NULL,
    trace_parent    text        NOT NULL,
    trace_state     text        NOT NULL,
    data            jsonb       NOT NULL,
    tombstone       boolean     NOT NULL DEFAULT false,
    state           text        NOT NULL CHECK (state IN ('waiting', 'due', 'dead', 'delivered')),
    attempts        integer     NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error      text        NOT NULL DEFAULT '',
    first           boolean     NOT NULL DEFAULT false,
    delivered_at    timestamptz,
    UNIQUE (tenant_id, aggregate_type, aggregate_id, sequence)
);

-- Neither index contains waiting events.
CREATE INDEX outbox_due ON outbox (next_attempt_at, position) WHERE state = 'due';
CREATE INDEX outbox_stuck ON outbox (position) WHERE state = 'dead' OR (state = 'due' AND attempts > 0);

CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE state = 'delivered';

COMMENT ON COLUMN outbox.state IS
    'due: next of its aggregate; waiting: an earlier one is not delivered; dead: refused; delivered: kept for replay.';
COMMENT ON COLUMN outbox.first IS 'In a replay: earlier events of the aggregate were deleted.';

-- +goose Down
DROP TABLE outbox;
DROP TABLE outbox_streams;
