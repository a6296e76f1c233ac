//go:build integration

package queue

import (
	"io/fs"
	"log/slog"
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"example.com/service/internal/platform/postgres"
)

// The numbers of a service and those of the template never clash, whichever is first, and nothing is applied twice.
func TestMigrate_OwnNumbers(t *testing.T) {
	url := schema(t)
	first, err := fs.ReadFile(os.DirFS("../../store/migrations"), "00001_outbox.sql")
	do(t, err)
	// Each may be applied once only: the table is there the second time.
	owners := fstest.MapFS{"migrations/00001_outbox.sql": {Data: first}}
	add := func(number, table string) {
		text := "-- +goose Up\nCREATE TABLE " + table + " (id int);\n"
		owners["migrations/"+number+"_"+table+".sql"] = &fstest.MapFile{Data: []byte(text)}
	}
	add("00002", "mine")
	files := fstest.MapFS{}
	do(t, fs.WalkDir(Migrations.Files, "migrations", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(Migrations.Files, path)
		files[path] = &fstest.MapFile{Data: data}
		return err
	}))
	migrate := func() {
		t.Helper()
		do(t, postgres.Migrate(t.Context(), slog.New(slog.DiscardHandler), url,
			postgres.Migrations{Files: owners, Folder: "migrations", Table: "goose_db_version"},
			postgres.Migrations{Files: files, Folder: "migrations", Table: Migrations.Table}))
	}
	migrate()
	// Both have a new one with the same number, which is also that of an older one of the other.
	add("00003", "more")
	files["migrations/00002_theirs.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE theirs (id int);\n")}
	files["migrations/00003_theirs_too.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE theirs_too (id int);\n")}
	migrate()
	migrate()
	s := connect(t, url)
	for table, want := range map[string]int{"goose_db_version": 3, Migrations.Table: 3} {
		var applied, latest int
		do(t, s.pool.QueryRow(t.Context(), `SELECT count(*), max(version_id) FROM `+table+` WHERE version_id > 0`).Scan(&applied, &latest))
		if diff := cmp.Diff([]int{want, want}, []int{applied, latest}); diff != "" {
			t.Errorf("%s: migrations applied and latest differ (-want +got):\n%s", table, diff)
		}
	}
	for _, table := range []string{"mine", "more", "theirs", "theirs_too", "outbox_subscriptions"} {
		_, err := s.pool.Exec(t.Context(), `SELECT FROM `+table)
		do(t, err)
	}
}
