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

//go:embed migrations/*.sql migrations/template/*.sql
var migrations embed.FS

// sets are the folders of migrations in the order in which they are applied, and the table that records each of them. The
// numbers in migrations are yours: the template adds its own in a folder of their own.
var sets = []struct{ folder, table string }{
	{"migrations", "goose_db_version"},
	{"migrations/template", "template_db_version"},
}

// Migrate updates the schema. It is safe to run in several processes at once: one migrates, the others wait.
func Migrate(ctx context.Context, log *slog.Logger, url string) error {
	s, err := Open(ctx, url)
	if err != nil {
		return err
	}
	defer s.Close()
	db := stdlib.OpenDBFromPool(s.pool)
	defer func() { _ = db.Close() }()
	for _, set := range sets {
		files, err := fs.Sub(migrations, set.folder)
		if err != nil {
			return err
		}
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker), goose.WithTableName(set.table))
		if err != nil {
			return err
		}
		results, err := provider.Up(ctx)
		for _, result := range results {
			log.InfoContext(ctx, "migrated", "table", set.table, "version", result.Source.Version, "duration", result.Duration)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// latestVersion returns the version that Migrate updates a folder of migrations to.
func latestVersion(folder string) (int64, error) {
	files, err := fs.Glob(migrations, folder+"/*.sql")
	if err != nil {
		return 0, err
	}
	// Glob sorts, and go:embed guarantees at least one file.
	return goose.NumericComponent(files[len(files)-1])
}
