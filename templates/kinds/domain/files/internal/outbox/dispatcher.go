package outbox

import (
	"context"
	"errors"
	"log/slog"
	"time"
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
}

// Dispatcher delivers the events of a queue. Any number may share one.
type Dispatcher struct {
	Queue     Queue
	Publisher Publisher
	Log       *slog.Logger
	// Interval is how long it waits before it looks for events again once none is due, or the queue fails.
	Interval time.Duration
	// Timeout is for one event. Publishing has half of it, so that what came of that can still be saved.
	Timeout time.Duration
}

// Run delivers until ctx ends; the event in hand is still delivered.
func (d *Dispatcher) Run(ctx context.Context) {
	for ctx.Err() == nil {
		found, err := d.deliver(context.WithoutCancel(ctx))
		if err != nil {
			d.Log.ErrorContext(ctx, "delivery failed", "dead", errors.Is(err, ErrRefused), "error", err)
		}
		if found {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(d.Interval):
		}
	}
}

func (d *Dispatcher) deliver(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	return d.Queue.Deliver(ctx, func(ctx context.Context, event Event) error {
		ctx, cancel := context.WithTimeout(ctx, d.Timeout/2)
		defer cancel()
		return d.Publisher.Publish(ctx, event)
	})
}
