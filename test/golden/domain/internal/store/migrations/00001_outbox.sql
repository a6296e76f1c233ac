-- +goose Up
CREATE TABLE outbox (
    position          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id        text        NOT NULL UNIQUE,
    tenant_id         text        NOT NULL,
    type              text        NOT NULL,
    aggregate_type    text        NOT NULL,
    aggregate_id      text        NOT NULL,
    aggregate_version bigint      NOT NULL,
    occurred_at       timestamptz NOT NULL,
    trace_parent      text        NOT NULL,
    trace_state       text        NOT NULL,
    data              jsonb       NOT NULL,
    attempts          integer     NOT NULL DEFAULT 0,
    next_attempt_at   timestamptz NOT NULL DEFAULT now(),
    last_error        text,
    UNIQUE (tenant_id, aggregate_type, aggregate_id, aggregate_version)
);

CREATE INDEX outbox_due ON outbox (next_attempt_at, position);

COMMENT ON TABLE outbox IS 'Events that are still to be delivered; a delivered one is deleted.';

-- +goose Down
DROP TABLE outbox;
