package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

var (
	// ErrRefused is returned for an event that the consumer rejects permanently.
	ErrRefused = errors.New("refused")
	// ErrUnavailable is returned if the consumer takes no events at all at present. It does not count as an attempt.
	ErrUnavailable = errors.New("consumer unavailable")
)

// Publisher sends events to a consumer.
type Publisher interface {
	// Publish returns nil once the event is delivered, [ErrRefused] if it must not be sent again, and [ErrUnavailable] if
	// other events could not be delivered either.
	Publish(ctx context.Context, event Event) error
}

// Queue stores undelivered events.
type Queue interface {
	// Subscribe adds a subscription, from the first stored event on, unless it exists.
	Subscribe(ctx context.Context, name string) error
	// Claim leases the due events of at most limit aggregates for the time of lease.
	Claim(ctx context.Context, subscription string, lane Lane, limit int, lease time.Duration) ([]Run, error)
	// Save saves outcomes: the events are delivered, delayed, or dead. It returns those that it could not save yet.
	Save(ctx context.Context, subscription string, outcomes []Outcome) ([]Outcome, error)
	// ContinueReplay makes events of the next aggregates of a replay due, and reports whether there were any.
	ContinueReplay(ctx context.Context, subscription string) (bool, error)
	// Forget deletes events that are older than age and delivered to all subscriptions, except for the last one of each
	// aggregate. It looks at some events after a position, and returns the position to continue at, or 0 at the end.
	Forget(ctx context.Context, age time.Duration, after int64) (next, deleted int64, err error)
	// Listen calls wake when there are new events, until ctx ends or it loses its connection.
	Listen(ctx context.Context, wake func()) error
}

const (
	// forgetInterval is how often expired events are deleted, forgetTimeout the limit for some of them.
	forgetInterval = time.Hour
	forgetTimeout  = 30 * time.Second
)

// Dispatcher delivers the events of a queue to each subscription. Several dispatchers may share a queue.
type Dispatcher struct {
	Queue Queue
	// Publishers are the consumers by the name of their subscription.
	Publishers map[string]Publisher
	Log        *slog.Logger
	// Interval is the pause before polling again if nothing is due for long, or the queue fails.
	Interval time.Duration
	// Retention is how long delivered events are kept.
	Retention time.Duration
}

// Run delivers events until ctx ends; it finishes those that are being sent.
func (d *Dispatcher) Run(ctx context.Context) {
	var group sync.WaitGroup
	var subscribers []*subscriber
	for name, publisher := range d.Publishers {
		s := newSubscriber(name, d, publisher)
		subscribers = append(subscribers, s)
		group.Go(func() { s.run(ctx) })
	}
	group.Go(func() {
		d.repeat(ctx, "cannot listen for new events, polling instead", func() error {
			return d.Queue.Listen(ctx, func() {
				for _, s := range subscribers {
					s.wake()
				}
			})
		})
	})
	group.Go(func() {
		for ctx.Err() == nil {
			d.forget(ctx)
			sleep(ctx, forgetInterval, nil)
		}
	})
	group.Wait()
}

// repeat calls f until it returns nil or ctx ends. It logs the first failure of a series.
func (d *Dispatcher) repeat(ctx context.Context, failed string, f func() error) {
	for logged := false; ctx.Err() == nil; sleep(ctx, d.Interval, nil) {
		err := f()
		if err == nil {
			return
		}
		if !logged && ctx.Err() == nil {
			d.Log.ErrorContext(ctx, failed, "error", err)
			logged = true
		}
	}
}

func (d *Dispatcher) forget(ctx context.Context) {
	var next, deleted, count int64
	var err error
	for more := true; more && err == nil; more = next > 0 {
		next, count, err = d.forgetSome(ctx, next)
		deleted += count
	}
	if err != nil && ctx.Err() == nil {
		d.Log.ErrorContext(ctx, "cannot delete old events", "error", err)
	}
	if deleted > 0 {
		d.Log.InfoContext(ctx, "old events deleted", "events", deleted)
	}
}

func (d *Dispatcher) forgetSome(ctx context.Context, after int64) (next, deleted int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, forgetTimeout)
	defer cancel()
	return d.Queue.Forget(ctx, d.Retention, after)
}

// sleep waits for a time, or until ctx ends or wake is sent; wake may be nil.
func sleep(ctx context.Context, pause time.Duration, wake <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-wake:
	case <-time.After(pause):
	}
}
