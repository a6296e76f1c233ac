// Package ingest takes events over HTTP.
package ingest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/acme/app/primitives/projection/orders/internal/event"
)

// ErrGap says that an event before this one has not arrived yet.
var ErrGap = errors.New("an earlier event of the stream is missing")

// Outcome is what became of an event.
type Outcome string

const (
	// Applied events have changed the read model.
	Applied Outcome = "applied"
	// Duplicate events had been taken before.
	Duplicate Outcome = "duplicate"
	// Ignored events are of a type that nothing is to be done about.
	Ignored Outcome = "ignored"
	// Skipped events were given up by their source.
	Skipped Outcome = "skipped"
)

// Store saves the effect of events.
type Store interface {
	// Ingest applies an event and moves the position in its stream in one transaction. It returns ErrGap if the event
	// is not the next one of its stream.
	Ingest(ctx context.Context, event event.Event) (Outcome, error)
}

const (
	maxBody = 1 << 20
	// timeout is for one event. It is shorter than its sender waits, or what was applied would count as failed there.
	timeout = 5 * time.Second
)

// Handler answers POST with one CloudEvent in structured mode. Its sender has to send it again, later, unless the
// answer is 2xx, or 400 or 413, which no repetition would change.
func Handler(log *slog.Logger, store Store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			http.Error(w, "the event is too large", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "the event did not arrive whole", http.StatusRequestTimeout)
			return
		}
		e, err := event.Decode(body)
		if err != nil {
			log.ErrorContext(r.Context(), "refused", "error", err)
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		outcome, err := store.Ingest(ctx, e)
		attributes := append(e.Caller.LogAttrs(),
			slog.String("id", e.ID),
			slog.String("type", e.Type),
			slog.String("stream", e.Stream.Subject),
			slog.Int64("sequence", e.Sequence))
		switch {
		case err == nil:
			level := slog.LevelInfo
			if outcome == Ignored || outcome == Skipped {
				level = slog.LevelWarn
			}
			log.LogAttrs(r.Context(), level, string(outcome), attributes...)
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, ErrGap):
			log.LogAttrs(r.Context(), slog.LevelWarn, "early", attributes...)
			http.Error(w, err.Error(), http.StatusConflict)
		case errors.Is(err, event.ErrInvalid):
			log.LogAttrs(r.Context(), slog.LevelError, "refused", append(attributes, slog.String("error", err.Error()))...)
			http.Error(w, err.Error(), http.StatusBadRequest)
		default:
			log.LogAttrs(r.Context(), slog.LevelError, "failed", append(attributes, slog.String("error", err.Error()))...)
			http.Error(w, "the event could not be saved", http.StatusInternalServerError)
		}
	})
}
