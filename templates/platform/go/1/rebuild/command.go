package rebuild

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"

	"example.com/service/internal/platform/postgres"
)

const usage = `want one of
  rebuild start                  make new tables beside the live ones; then replay all events
  rebuild status                 how much of the streams the new tables have
  rebuild switch [-incomplete]   answer queries from the new tables, also if they lack events
  rebuild cancel                 remove the new tables
  rebuild drop                   remove the old tables after a switch`

// Run executes a command of an operator, and prints the state after it as one line of JSON.
func Run(ctx context.Context, log *slog.Logger, db *postgres.DB, args []string, out io.Writer) (err error) {
	switch strings.Join(args, " ") {
	case "start":
		err = Start(ctx, log, db)
	case "status":
	case "switch":
		err = Switch(ctx, db, false)
	case "switch -incomplete":
		err = Switch(ctx, db, true)
	case "cancel":
		err = Cancel(ctx, db)
	case "drop":
		err = Drop(ctx, db)
	default:
		err = errors.New(usage)
	}
	if err != nil {
		return err
	}
	status, err := Read(ctx, db)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(status)
}
