package queue

import (
	"embed"

	"github.com/jackc/pgx/v5/pgxpool"

	"example.com/service/internal/platform/postgres"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are those of the queue, after the first one of the service, which creates the table of events.
var Migrations = postgres.Migrations{Files: files, Folder: "migrations", Table: "template_db_version"}

// Queue implements outbox.Queue. Use [New].
type Queue struct {
	pool *pgxpool.Pool
}

// New returns the queue in a database.
func New(pool *pgxpool.Pool) *Queue { return &Queue{pool} }
