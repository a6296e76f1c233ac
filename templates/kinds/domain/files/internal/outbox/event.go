// Package outbox is the way of events out of the process: they are saved together with their change,
// and delivered afterwards, at least once, and in order for each aggregate.
package outbox

import "time"

// Event is something that happened.
type Event struct {
	// ID is unique; consumers know a repetition by it.
	ID     string
	Tenant string
	// Type is the full name of the message that Data holds.
	Type string
	// AggregateType and AggregateID are what changed. One change may have several events.
	AggregateType string
	AggregateID   string
	// Sequence counts the events of an aggregate from 1 without gaps. The store gives it, in the order of saving.
	Sequence int64
	Time     time.Time
	// Actor is who caused the event; empty where the call did not say.
	Actor string
	// TraceParent and TraceState are the trace of the call that caused the event; empty where it had none.
	TraceParent string
	TraceState  string
	// Data is JSON.
	Data []byte
	// Tombstone events were given up. They are delivered without their data, so that the sequence has no gap.
	Tombstone bool
	// First events are those of a replay before which none of the aggregate is kept.
	First bool
	// Attempts is how often delivery has failed before.
	Attempts int
}

// Stuck is an event that could not be delivered; the later ones of its aggregate wait for it.
type Stuck struct {
	ID            string `json:"id"`
	Tenant        string `json:"tenant"`
	Type          string `json:"type"`
	AggregateType string `json:"aggregateType"`
	AggregateID   string `json:"aggregateId"`
	Sequence      int64  `json:"sequence"`
	// Dead events are not tried again by themselves.
	Dead      bool   `json:"dead"`
	Attempts  int    `json:"attempts"`
	LastError string `json:"lastError"`
}
