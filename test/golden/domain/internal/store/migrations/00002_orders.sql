-- +goose Up
CREATE TABLE orders (
    tenant_id  text        NOT NULL,
    id         text        NOT NULL,
    request_id text        NOT NULL,
    title      text        NOT NULL CHECK (title <> ''),
    version    bigint      NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, request_id)
);

-- +goose Down
DROP TABLE orders;
