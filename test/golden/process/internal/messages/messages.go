// Package messages takes in over HTTP the messages that the process waits for.
package messages

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/acme/app/primitives/process/orders/internal/caller"
	"github.com/acme/app/primitives/process/orders/internal/engine"
	"github.com/acme/app/primitives/process/orders/internal/gen/model"
)

// Publisher is where messages go.
type Publisher interface {
	Publish(ctx context.Context, message engine.Message) error
}

const maxBody = 1 << 20

// Settings are what can be told a handler.
type Settings struct {
	// TTL is how long the engine keeps a message.
	TTL time.Duration
	// Tenants are those of the engine that messages may be for; none in an engine without tenants.
	Tenants []string
}

// Handler answers POST for one of the messages, that in the path value name, with a JSON object in the body: messageId,
// which makes sending it twice as good as once; correlationKey, unless the message starts a process; variables. The
// sender has to send it again, later, unless the answer is 2xx, or 400, 403, 404, 413 or 422, which no repetition would
// change. A message that starts a process gives it the caller and the trace of its headers.
func Handler(log *slog.Logger, publisher Publisher, settings Settings, messages []model.Message) http.Handler {
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
		from := caller.Caller{Tenant: r.Header.Get("Tenant-Id"), Subject: r.Header.Get("Subject-Id")}
		from.TraceParent, from.TraceState = caller.Trace(r.Header.Get("Traceparent"), strings.Join(r.Header.Values("Tracestate"), ","))
		starts := len(message.CorrelationKeys) == 0
		// A domain would refuse these, which the process would take for a refusal of the work.
		if starts && (len(r.Header.Values("Tenant-Id")) != 1 || !caller.IsName(from.Tenant) ||
			from.Subject != "" && !caller.IsName(from.Subject)) {
			http.Error(w, "the header Tenant-Id must be given once, as Subject-Id in 1 to 200 visible characters", http.StatusBadRequest)
			return
		}
		var tenant string
		if len(settings.Tenants) > 0 {
			if tenant = from.Tenant; !slices.Contains(settings.Tenants, tenant) {
				http.Error(w, "Tenant-Id is none of those that the engine has here", http.StatusForbidden)
				return
			}
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
		variables := engine.Variables{}
		maps.Copy(variables, body.Variables)
		// The caller comes from headers alone, never from a body.
		delete(variables, engine.CallerVariable)
		if starts {
			variables[engine.CallerVariable] = from
		}
		err = publisher.Publish(r.Context(), engine.Message{
			Name: message.Name, Tenant: tenant, CorrelationKey: body.CorrelationKey, ID: body.MessageID, TTL: settings.TTL,
			Variables: variables,
		})
		attributes := append(from.LogAttrs(), slog.String("name", message.Name), slog.String("id", body.MessageID))
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
