// Package outbox is the way of events out of the process: they are saved together with the change that they tell of,
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
	// AggregateType, AggregateID and Version say what changed and to which version; deliveries keep the order of these.
	AggregateType string
	AggregateID   string
	Version       int64
	Time          time.Time
	// TraceParent and TraceState are the trace of the call that caused the event; empty where it had none.
	TraceParent string
	TraceState  string
	// Data is JSON.
	Data []byte
}
