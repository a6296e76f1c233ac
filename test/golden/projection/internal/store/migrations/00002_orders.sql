-- +goose Up
CREATE TABLE orders (
    tenant_id  text        NOT NULL,
    id         text        NOT NULL COLLATE "C",
    title      text        NOT NULL,
    version    bigint      NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- +goose Down
DROP TABLE orders;
