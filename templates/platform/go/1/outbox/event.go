// Package outbox implements the transactional outbox: events are saved with their change and delivered afterwards to each
// subscription, at least once and in order for each aggregate.
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
	// Request is the request that the call was made for; empty if unknown.
	Request string
	// Data is JSON.
	Data []byte
	// Tombstone marks an event that was discarded. It is delivered without data, so that the sequence has no gap.
	Tombstone bool
	// First marks an event whose predecessor is not sent: it was deleted, or is not part of the subscription or replay.
	First bool
}

// Lane is why events are due. Lanes do not wait for each other.
type Lane string

const (
	// Live events are new.
	Live Lane = "live"
	// Retry events failed before.
	Retry Lane = "retry"
	// Replay events were delivered before, or are older than the subscription.
	Replay Lane = "replay"
)

// Run is the next events of one aggregate, in order. Nobody else delivers events of the aggregate until the outcome is
// saved, or the lease of the run ends.
type Run struct {
	// Stream identifies the aggregate in the queue, Position is the sequence of its last delivered event.
	Stream   int64
	Position int64
	// Attempts is the number of failed deliveries of the first event.
	Attempts int
	Events   []Event
}

// Outcome is how far a run came.
type Outcome struct {
	Run
	// Reached is the sequence of the last delivered event, or Position.
	Reached int64
	// Err is why the next event is not delivered; nil if it was not tried.
	Err error
}

// Subscription is what is known of a consumer.
type Subscription struct {
	Name    string    `json:"name"`
	Paused  bool      `json:"paused"`
	Created time.Time `json:"created"`
	// Waiting is the number of aggregates with events that are not delivered. Of these, the next event of Failing failed, and
	// that of Dead was refused.
	Waiting int64 `json:"waiting"`
	Failing int64 `json:"failing"`
	Dead    int64 `json:"dead"`
	// Oldest is the time of the oldest event that is next; nil if there is none.
	Oldest *time.Time `json:"oldest"`
}

// Filter selects events; empty fields select all.
type Filter struct {
	Subscription, ID, Tenant, Type string
	Since, Until                   time.Time
}

// Stuck is an event whose delivery failed; later events of its aggregate wait for it.
type Stuck struct {
	Subscription  string    `json:"subscription"`
	ID            string    `json:"id"`
	Tenant        string    `json:"tenant"`
	Type          string    `json:"type"`
	AggregateType string    `json:"aggregateType"`
	AggregateID   string    `json:"aggregateId"`
	Sequence      int64     `json:"sequence"`
	Time          time.Time `json:"time"`
	// Dead events are not retried automatically.
	Dead      bool   `json:"dead"`
	Attempts  int    `json:"attempts"`
	LastError string `json:"lastError"`
}

// ReplayStatus is the progress of a replay.
type ReplayStatus struct {
	ID           int64      `json:"id"`
	Subscription string     `json:"subscription"`
	State        string     `json:"state"`
	Started      time.Time  `json:"started"`
	Ended        *time.Time `json:"ended"`
	// Aggregates and Events are those that it has begun with, Waiting the aggregates of these that are not done.
	Aggregates int64 `json:"aggregates"`
	Events     int64 `json:"events"`
	Waiting    int64 `json:"waiting"`
	// Progress is the part of all aggregates that it has begun with, from 0 to 1.
	Progress float64 `json:"progress"`
}
