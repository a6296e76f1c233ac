package outbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/acme/app/primitives/domain/orders/internal/caller"
)

// ErrRefused says that an event would not be taken however often it is sent.
var ErrRefused = errors.New("refused")

// Publisher takes an event to wherever its consumers get it from. That is done once it returns nil.
type Publisher interface {
	// Publish returns an [ErrRefused] for an event that is not to be sent again.
	Publish(ctx context.Context, event Event) error
}

// Queue is where events wait.
type Queue interface {
	// Deliver passes one event that is due to publish. It reports whether there was one and what came of it is saved: it
	// is delivered, put off, or, if it was refused, dead.
	Deliver(ctx context.Context, publish func(context.Context, Event) error) (bool, error)
	// Forget deletes at most limit events that were delivered longer ago than age, and returns how many. Of each aggregate
	// the last one stays.
	Forget(ctx context.Context, age time.Duration, limit int) (int64, error)
}

const (
	// publishTimeout is longer than the 5s that a projection has for an event: what that has taken is not to count as failed.
	// With saveTimeout, for what came of it, it is less than the default of DRAIN_TIMEOUT.
	publishTimeout = 7 * time.Second
	saveTimeout    = 2 * time.Second
	// forgetInterval is how often events are looked for that have been kept long enough, forgetBatch how many go at once.
	forgetInterval = time.Hour
	forgetBatch    = 1000
)

// Dispatcher delivers the events of a queue. Any number may share one.
type Dispatcher struct {
	Queue     Queue
	Publisher Publisher
	Log       *slog.Logger
	// Interval is how long it waits before it looks for events again once none is due, or the queue fails.
	Interval time.Duration
	// Retention is how long delivered events are kept.
	Retention time.Duration
}

// Run delivers until ctx ends; the event in hand is still delivered.
func (d *Dispatcher) Run(ctx context.Context) {
	var forgotten time.Time
	for ctx.Err() == nil {
		if time.Since(forgotten) >= forgetInterval && !d.forget(ctx) {
			forgotten = time.Now()
		}
		if d.deliver(context.WithoutCancel(ctx)) {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(d.Interval):
		}
	}
}

// deliver reports whether there was an event, and what came of it is saved.
func (d *Dispatcher) deliver(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout+saveTimeout)
	defer cancel()
	log := d.Log
	found, err := d.Queue.Deliver(ctx, func(ctx context.Context, event Event) error {
		from := caller.Caller{Tenant: event.Tenant, Subject: event.Actor, TraceParent: event.TraceParent}
		log = slog.New(d.Log.Handler().WithAttrs(from.LogAttrs())).With("id", event.ID, "type", event.Type,
			"stream", event.AggregateType+"/"+event.AggregateID, "sequence", event.Sequence, "attempts", event.Attempts)
		ctx, cancel := context.WithTimeout(ctx, publishTimeout)
		defer cancel()
		return d.Publisher.Publish(ctx, event)
	})
	switch {
	case err != nil:
		log.ErrorContext(ctx, "delivery failed", "dead", errors.Is(err, ErrRefused), "error", err)
	case found:
		log.InfoContext(ctx, "delivered")
	}
	return found
}

// forget reports whether there may be more to forget.
func (d *Dispatcher) forget(ctx context.Context) bool {
	count, err := d.Queue.Forget(ctx, d.Retention, forgetBatch)
	if err != nil {
		d.Log.ErrorContext(ctx, "delivered events could not be deleted", "error", err)
	} else if count > 0 {
		d.Log.InfoContext(ctx, "delivered events deleted", "events", count)
	}
	return count == forgetBatch
}
