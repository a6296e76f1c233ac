package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/service/internal/platform/caller"
	"example.com/service/internal/platform/telemetry"
)

const (
	// publishTimeout is longer than the 5s that a projection has for an event, so that an applied event does not count as
	// failed. Together with saveTimeout, for saving the outcome, it is less than the default of DRAIN_TIMEOUT.
	publishTimeout = 7 * time.Second
	saveTimeout    = 2 * time.Second
	claimTimeout   = 3 * time.Second
	// runTime is when a run ends after the current event. So its lease, which is never renewed, lasts until it is saved.
	runTime = 2 * time.Second
	lease   = claimTimeout + runTime + publishTimeout + saveTimeout
	// firstPause is how soon the queue is polled again after an event; the pause then doubles up to the interval.
	firstPause = 10 * time.Millisecond
	// saveBatch is how many outcomes are saved in one statement, savePause the pause after a failure of it.
	saveBatch = 256
	savePause = 200 * time.Millisecond
)

// lanes is how many deliveries of a lane may be under way: quick ones, and all, with those that take longer than usual.
var lanes = map[Lane]struct{ quick, all int }{Live: {32, 1500}, Retry: {16, 1500}, Replay: {4, 100}}

// subscriber delivers the events of one subscription.
type subscriber struct {
	*Dispatcher
	name        string
	publisher   Publisher
	log         *slog.Logger
	destination *destination
	// woken is sent to when there may be live events.
	woken    chan struct{}
	outcomes chan Outcome
}

func newSubscriber(name string, d *Dispatcher, publisher Publisher) *subscriber {
	log := d.Log.With("subscription", name)
	return &subscriber{
		Dispatcher: d, name: name, publisher: publisher, log: log, destination: &destination{log: log},
		woken: make(chan struct{}, 1), outcomes: make(chan Outcome, saveBatch),
	}
}

// wake makes the subscriber ask for live events; other lanes poll.
func (s *subscriber) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

func (s *subscriber) run(ctx context.Context) {
	s.repeat(ctx, "cannot subscribe", func() error {
		ctx, cancel := context.WithTimeout(ctx, claimTimeout)
		defer cancel()
		return s.Queue.Subscribe(ctx, s.name)
	})
	var pulling, saving sync.WaitGroup
	saving.Go(s.save)
	for lane, limit := range lanes {
		pulling.Go(func() { s.pull(ctx, lane, newSlots(limit.quick, limit.all)) })
	}
	pulling.Wait()
	close(s.outcomes)
	saving.Wait()
}

// pull delivers the events of a lane until ctx ends.
func (s *subscriber) pull(ctx context.Context, lane Lane, slots *slots) {
	var delivering sync.WaitGroup
	defer delivering.Wait()
	var woken <-chan struct{}
	if lane == Live {
		woken = s.woken
	}
	pause, failing := firstPause, false
	for ctx.Err() == nil {
		free := slots.take(ctx)
		allowed, wait := s.destination.allow(free)
		var runs []Run
		var err error
		if allowed > 0 && ctx.Err() == nil {
			runs, err = s.claim(ctx, lane, allowed)
		}
		for _, run := range runs {
			delivering.Go(func() {
				release := slots.hold()
				outcome := s.deliver(ctx, run)
				s.outcomes <- outcome
				release(outcome.Err == nil)
			})
		}
		slots.giveBack(free - len(runs))
		switch {
		case err != nil && ctx.Err() == nil:
			if !failing {
				s.log.ErrorContext(ctx, "cannot read events", "lane", lane, "error", err)
			}
			failing = true
			sleep(ctx, s.Interval, nil)
			continue
		case allowed == 0:
			sleep(ctx, wait, woken)
		case len(runs) > 0:
			pause = firstPause
		default:
			s.destination.unused()
			if sleep(ctx, pause, woken); pause < s.Interval {
				pause = min(2*pause, s.Interval)
			}
		}
		failing = false
	}
}

// claim returns due events. For a replay it first makes the next ones due if there are few.
func (s *subscriber) claim(ctx context.Context, lane Lane, limit int) ([]Run, error) {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	runs, err := s.Queue.Claim(ctx, s.name, lane, limit, lease)
	if lane != Replay || err != nil || len(runs) > 0 {
		return runs, err
	}
	if more, err := s.Queue.ContinueReplay(ctx, s.name); err != nil || !more {
		return nil, err
	}
	return s.Queue.Claim(ctx, s.name, lane, limit, lease)
}

// deliver sends the events of a run in order, until one fails or time is over.
func (s *subscriber) deliver(ctx context.Context, run Run) Outcome {
	outcome := Outcome{Run: run, Reached: run.Position}
	began := time.Now()
	for _, event := range run.Events {
		if outcome.Reached > run.Position && (ctx.Err() != nil || time.Since(began) > runTime) {
			break
		}
		if outcome.Err = s.publish(context.WithoutCancel(ctx), event, run.Attempts); outcome.Err != nil {
			break
		}
		outcome.Reached, run.Attempts = event.Sequence, 0
	}
	return outcome
}

func (s *subscriber) publish(ctx context.Context, event Event, attempts int) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	began := time.Now()
	err := telemetry.Do(ctx, trace.SpanKindProducer, "publish "+event.Type, event.TraceParent, event.TraceState,
		func(running context.Context) error { ctx = running; return s.publisher.Publish(ctx, event) },
		"messaging.operation.name", "publish", "messaging.message.id", event.ID, "messaging.destination.name", s.name)
	from := caller.Caller{Tenant: event.Tenant, Subject: event.Actor, TraceParent: event.TraceParent}
	attributes := append(from.LogAttrs(), slog.String("id", event.ID), slog.String("type", event.Type),
		slog.String("stream", event.AggregateType+"/"+event.AggregateID), slog.Int64("sequence", event.Sequence),
		slog.Int("attempts", attempts))
	if s.destination.answered(began, err, attributes) {
		s.wake()
	}
	switch {
	case err == nil:
		s.log.LogAttrs(ctx, slog.LevelInfo, "delivered", attributes...)
	case errors.Is(err, ErrRefused):
		s.log.LogAttrs(ctx, slog.LevelError, "refused", append(attributes, slog.String("error", err.Error()))...)
	}
	return err
}

// save saves outcomes until there are no more. It gives up those whose lease is over: the events are sent again.
func (s *subscriber) save() {
	failing := false
	for first := range s.outcomes {
		pending := []Outcome{first}
		for began := time.Now(); len(pending) > 0 && time.Since(began) < lease; {
			for more := true; more && len(pending) < saveBatch; {
				select {
				case outcome, open := <-s.outcomes:
					if more = open; open {
						pending = append(pending, outcome)
					}
				default:
					more = false
				}
			}
			ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
			rest, err := s.Queue.Save(ctx, s.name, pending)
			cancel()
			if err != nil && !failing {
				s.log.Error("cannot save what was delivered", "error", err)
			}
			failing = err != nil
			if len(rest) < len(pending) {
				s.wake()
			}
			switch pending = rest; {
			case err != nil:
				time.Sleep(savePause)
			case len(rest) > 0:
				time.Sleep(firstPause)
			}
		}
	}
}
