-- +goose Up
ALTER TABLE streams ADD COLUMN recent_ids text[] NOT NULL DEFAULT '{}';

COMMENT ON COLUMN streams.recent_ids IS 'Ids of the last events up to the position, in order; fewer if they are not known.';

-- +goose Down
ALTER TABLE streams DROP COLUMN recent_ids;
