// Package event reads CloudEvents.
package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/acme/app/primitives/projection/orders/internal/caller"
)

// ErrInvalid says that something is no event that could ever be taken, however often it is sent.
var ErrInvalid = errors.New("invalid event")

// ErrUnhandled says that nothing is to be done about an event of its type.
var ErrUnhandled = errors.New("unhandled type of event")

// Tombstone is the type of an event that its source has given up. It holds the place in the sequence.
const Tombstone = "primitive.tombstone.v1"

// Event is something that happened elsewhere: the Sequence-th event of the Subject of a Tenant, told by Source.
type Event struct {
	ID     string
	Stream Stream
	// Sequence begins at 1 and has no gaps within a stream.
	Sequence int64
	// First says that the source keeps none of the stream that is earlier.
	First bool
	Type  string
	Time  time.Time
	// Caller is whose call has caused it.
	Caller caller.Caller
	Data   json.RawMessage
}

// Stream is all events of one subject; these have an order.
type Stream struct{ Source, Tenant, Subject string }

// Decode reads a CloudEvent 1.0 in JSON, with the extensions tenant and sequence. Its errors are [ErrInvalid].
func Decode(body []byte) (Event, error) {
	var raw struct {
		SpecVersion string          `json:"specversion"`
		ID          string          `json:"id"`
		Source      string          `json:"source"`
		Type        string          `json:"type"`
		Subject     string          `json:"subject"`
		Time        time.Time       `json:"time"`
		Tenant      string          `json:"tenant"`
		Sequence    string          `json:"sequence"`
		StreamStart bool            `json:"streamstart"`
		AuthID      string          `json:"authid"`
		TraceParent string          `json:"traceparent"`
		TraceState  string          `json:"tracestate"`
		Data        json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if raw.SpecVersion != "1.0" {
		return Event{}, fmt.Errorf("%w: specversion is %q, not 1.0", ErrInvalid, raw.SpecVersion)
	}
	for _, attribute := range []struct{ name, value string }{
		{"id", raw.ID}, {"source", raw.Source}, {"type", raw.Type}, {"subject", raw.Subject}, {"tenant", raw.Tenant},
	} {
		if attribute.value == "" {
			return Event{}, fmt.Errorf("%w: %s is missing", ErrInvalid, attribute.name)
		}
	}
	sequence, err := strconv.ParseInt(raw.Sequence, 10, 64)
	if err != nil || sequence < 1 {
		return Event{}, fmt.Errorf("%w: sequence is %q, not a whole number from 1", ErrInvalid, raw.Sequence)
	}
	from := caller.Caller{Tenant: raw.Tenant, Subject: raw.AuthID}
	from.TraceParent, from.TraceState = caller.Trace(raw.TraceParent, raw.TraceState)
	return Event{
		ID:       raw.ID,
		Stream:   Stream{Source: raw.Source, Tenant: raw.Tenant, Subject: raw.Subject},
		Sequence: sequence,
		First:    raw.StreamStart,
		Type:     raw.Type,
		Time:     raw.Time,
		Caller:   from,
		Data:     raw.Data,
	}, nil
}
