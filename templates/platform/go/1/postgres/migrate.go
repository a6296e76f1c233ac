package postgres

import (
	"context"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migrations are a folder of migrations, and the table that records which of them were applied: the numbers of one folder are
// independent of those of others.
type Migrations struct {
	Files  fs.FS
	Folder string
	Table  string
}

// Migrate updates the schema, by one folder after the other. It is safe to run in several processes at once: one migrates, the others wait.
func Migrate(ctx context.Context, log *slog.Logger, url string, sets ...Migrations) error {
	d, err := Open(ctx, url, sets...)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Migrate(ctx, log)
}

// Migrate is [Migrate] of an open database.
func (d *DB) Migrate(ctx context.Context, log *slog.Logger) error {
	db := stdlib.OpenDBFromPool(d.Pool)
	defer func() { _ = db.Close() }()
	for _, set := range d.sets {
		files, err := fs.Sub(set.Files, set.Folder)
		if err != nil {
			return err
		}
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker), goose.WithTableName(set.Table))
		if err != nil {
			return err
		}
		results, err := provider.Up(ctx)
		for _, result := range results {
			log.InfoContext(ctx, "migrated", "table", set.Table, "version", result.Source.Version, "duration", result.Duration)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// latest returns the version that Migrate updates to.
func (m Migrations) latest() (int64, error) {
	files, err := fs.Glob(m.Files, m.Folder+"/*.sql")
	if err != nil || len(files) == 0 {
		return 0, err
	}
	// Glob sorts.
	return goose.NumericComponent(files[len(files)-1])
}
