package store

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate updates the schema. It is safe to run in several processes at once: one migrates, the others wait.
func Migrate(ctx context.Context, log *slog.Logger, url string) error {
	s, err := Open(ctx, url)
	if err != nil {
		return err
	}
	defer s.Close()
	db := stdlib.OpenDBFromPool(s.pool)
	defer func() { _ = db.Close() }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}
	results, err := provider.Up(ctx)
	for _, result := range results {
		log.InfoContext(ctx, "migrated", "version", result.Source.Version, "duration", result.Duration)
	}
	return err
}

// latestVersion returns the schema version that Migrate updates to.
func latestVersion() (int64, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	// Glob sorts, and go:embed guarantees at least one file.
	return goose.NumericComponent(files[len(files)-1])
}
