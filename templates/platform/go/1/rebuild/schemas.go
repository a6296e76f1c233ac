package rebuild

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Suffixes of the schema of the live tables.
const (
	next = "_next"
	old  = "_old"
	// making is where new tables are created, so that no event goes into a part of them.
	making = "_making"
)

// State is what there is of a rebuild.
type State string

const (
	// None is that there are the live tables alone.
	None State = "none"
	// Building is that there are new tables, which get all events.
	Building State = "building"
	// Switched is that the new tables are the live ones, and the old ones are kept.
	Switched State = "switched"
)

// Status is how far a rebuild is.
type Status struct {
	State State `json:"state"`
	// Streams is the number of streams of the live tables. Of these, the new tables lack events of Behind.
	Streams int64 `json:"streams"`
	Behind  int64 `json:"behind"`
	// Progress is the part of the streams that the new tables have, from 0 to 1.
	Progress float64 `json:"progress"`
}

// schemas are the schema of the live tables and what is there of those beside it.
type schemas struct {
	live  string
	state State
}

type database interface {
	Exec(ctx context.Context, sql string, arguments ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, arguments ...any) pgx.Row
}

func find(ctx context.Context, db database) (s schemas, err error) {
	err = db.QueryRow(ctx, `
		SELECT current_schema(), CASE WHEN `+Exists+` THEN 'building'
		       WHEN to_regnamespace(quote_ident(current_schema() || '_old')) IS NOT NULL THEN 'switched' ELSE 'none' END`).
		Scan(&s.live, &s.state)
	return s, err
}

func (s schemas) expect(state State) error {
	if s.state == state {
		return nil
	}
	return fmt.Errorf("the state of the rebuild is %q, not %q: see rebuild status", s.state, state)
}

func (s schemas) status(ctx context.Context, db database) (Status, error) {
	status := Status{State: s.state, Progress: 1}
	if s.state != Building {
		return status, nil
	}
	err := db.QueryRow(ctx, s.sql(`
		SELECT count(*), count(*) FILTER (WHERE coalesce(built.position, 0) < live.position)
		FROM {live}.streams AS live LEFT JOIN {next}.streams AS built USING (source, tenant_id, subject)`)).
		Scan(&status.Streams, &status.Behind)
	if status.Streams > 0 {
		status.Progress = float64(status.Streams-status.Behind) / float64(status.Streams)
	}
	return status, err
}

// sql returns a text with the names of schemas in it.
func (s schemas) sql(text string) string {
	var names []string
	for _, suffix := range []string{next, old, making} {
		names = append(names, "{"+suffix[1:]+"}", pgx.Identifier{s.live + suffix}.Sanitize())
	}
	return strings.NewReplacer(append(names, "{live}", pgx.Identifier{s.live}.Sanitize())...).Replace(text)
}

func (s schemas) exec(ctx context.Context, db database, text string) error {
	_, err := db.Exec(ctx, s.sql(text))
	return err
}

// move moves what the migrations make from one schema to another: what also is in the schema of the new tables.
func (s schemas) move(ctx context.Context, tx pgx.Tx, from, to string) error {
	found, err := tx.Query(ctx, statements, from, to, s.live+next)
	if err != nil {
		return err
	}
	moves, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, move := range moves {
		if _, err := tx.Exec(ctx, move); err != nil {
			return err
		}
	}
	return nil
}

// statements move the objects of schema $1 to $2 whose kind and name are also in $3. Indexes, and sequences of columns, go with
// their table.
const statements = `
	WITH objects AS (
		SELECT relnamespace AS schema, relname AS name, oid::regclass::text AS shown,
		       CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
		FROM pg_class AS c
		WHERE relkind IN ('r', 'p', 'v', 'm') OR relkind = 'S' AND NOT EXISTS (
			SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype IN ('a', 'i'))
		UNION ALL
		SELECT typnamespace, typname, oid::regtype::text, 'TYPE'
		FROM pg_type AS t
		WHERE typtype IN ('d', 'e') OR (SELECT relkind FROM pg_class WHERE oid = typrelid) = 'c'
		UNION ALL
		SELECT pronamespace, proname, oid::regprocedure::text, 'ROUTINE' FROM pg_proc)
	SELECT format('ALTER %s %s SET SCHEMA %I', kind, shown, $2::text)
	FROM objects AS o
	WHERE schema = quote_ident($1)::regnamespace AND EXISTS (
		SELECT FROM objects AS n WHERE n.schema = quote_ident($3)::regnamespace AND (n.kind, n.name) = (o.kind, o.name))`
