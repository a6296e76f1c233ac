// Package outbox implements the transactional outbox: events are saved with their change and delivered afterwards, at
// least once and in order for each aggregate.
package outbox

import "time"

// Event is a change of an aggregate.
type Event struct {
	// ID is unique; consumers use it to detect duplicates.
	ID     string
	Tenant string
	// Type is the full name of the protobuf message in Data.
	Type string
	// AggregateType and AggregateID identify the aggregate that changed. A change may have several events.
	AggregateType string
	AggregateID   string
	// Sequence numbers the events of an aggregate from 1 without gaps, in the order of saving. The store sets it.
	Sequence int64
	Time     time.Time
	// Actor is the subject of the call that caused the event; empty if unknown.
	Actor string
	// TraceParent and TraceState are the trace of that call; empty if it had none.
	TraceParent string
	TraceState  string
	// Data is JSON.
	Data []byte
	// Tombstone marks an event that was given up. It is delivered without data, so that the sequence has no gap.
	Tombstone bool
	// First marks the first event of an aggregate in a replay: earlier ones were deleted.
	First bool
	// Attempts is the number of failed deliveries.
	Attempts int
}

// Stuck is an event whose delivery failed; later events of its aggregate wait for it.
type Stuck struct {
	ID            string `json:"id"`
	Tenant        string `json:"tenant"`
	Type          string `json:"type"`
	AggregateType string `json:"aggregateType"`
	AggregateID   string `json:"aggregateId"`
	Sequence      int64  `json:"sequence"`
	// Dead events are not retried automatically.
	Dead      bool   `json:"dead"`
	Attempts  int    `json:"attempts"`
	LastError string `json:"lastError"`
}
