-- +goose Up
CREATE TABLE streams (
    source    text   NOT NULL,
    tenant_id text   NOT NULL,
    subject   text   NOT NULL,
    position  bigint NOT NULL,
    PRIMARY KEY (source, tenant_id, subject)
);

COMMENT ON COLUMN streams.position IS 'Sequence of the last applied event.';

-- +goose Down
DROP TABLE streams;
