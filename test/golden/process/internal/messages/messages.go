// Package messages takes in over HTTP the messages that the process waits for.
package messages

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/acme/app/primitives/process/orders/internal/engine"
	"github.com/acme/app/primitives/process/orders/internal/gen/model"
)

// Publisher is where messages go.
type Publisher interface {
	Publish(ctx context.Context, message engine.Message) error
}

const maxBody = 1 << 20

// Handler answers POST for one of the messages, that in the path value name, with a JSON object in the body: messageId,
// which makes sending it twice as good as once; correlationKey, unless the message starts a process; variables. Whoever
// sends it has to send it again, later, unless the answer is 2xx, or 400, 404, 413 or 422, which no repetition would
// change.
func Handler(log *slog.Logger, publisher Publisher, ttl time.Duration, messages []model.Message) http.Handler {
	known := make(map[string]model.Message)
	for _, message := range messages {
		known[message.Name] = message
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		message, ok := known[r.PathValue("name")]
		if !ok {
			http.Error(w, "the process waits for no such message", http.StatusNotFound)
			return
		}
		var body struct {
			MessageID      string           `json:"messageId"`
			CorrelationKey string           `json:"correlationKey"`
			Variables      engine.Variables `json:"variables"`
		}
		data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			http.Error(w, "the message is too large", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "the message did not arrive whole", http.StatusRequestTimeout)
			return
		}
		if err := json.Unmarshal(data, &body); err != nil {
			http.Error(w, "the body is no such JSON", http.StatusBadRequest)
			return
		}
		if body.MessageID == "" || body.CorrelationKey == "" && len(message.CorrelationKeys) > 0 {
			http.Error(w, "messageId and correlationKey are needed", http.StatusBadRequest)
			return
		}
		err = publisher.Publish(r.Context(), engine.Message{
			Name: message.Name, CorrelationKey: body.CorrelationKey, ID: body.MessageID, TTL: ttl, Variables: body.Variables,
		})
		attributes := []slog.Attr{slog.String("name", message.Name), slog.String("id", body.MessageID)}
		switch {
		case err == nil:
			log.LogAttrs(r.Context(), slog.LevelInfo, "published", attributes...)
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, engine.ErrRefused):
			log.LogAttrs(r.Context(), slog.LevelError, "refused", append(attributes, slog.String("error", err.Error()))...)
			http.Error(w, "the engine refused the message", http.StatusUnprocessableEntity)
		default:
			log.LogAttrs(r.Context(), slog.LevelError, "failed", append(attributes, slog.String("error", err.Error()))...)
			http.Error(w, "the message could not be published", http.StatusServiceUnavailable)
		}
	})
}
