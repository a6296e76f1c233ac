package outbox

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// memory is a queue of events, and the consumer that gets them.
type memory struct {
	waiting   []Event
	published []string
	failures  int
	// slow makes the consumer take an event's whole time.
	slow bool
	// saved is the number of failures that there was time left to save.
	saved int
}

func (m *memory) Deliver(ctx context.Context, publish func(context.Context, Event) error) (bool, error) {
	if len(m.waiting) == 0 {
		return false, nil
	}
	if err := publish(ctx, m.waiting[0]); err != nil {
		if ctx.Err() == nil {
			m.saved++
		}
		return true, err
	}
	m.waiting = m.waiting[1:]
	return true, nil
}

func (m *memory) Publish(ctx context.Context, event Event) error {
	if m.slow {
		<-ctx.Done()
		return ctx.Err()
	}
	if m.failures > 0 {
		m.failures--
		return errors.New("consumer is down")
	}
	m.published = append(m.published, event.ID)
	return ctx.Err()
}

func TestDispatcherDeliversInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{waiting: []Event{{ID: "1"}, {ID: "2"}, {ID: "3"}}}
		runFor(t, m, time.Millisecond)
		if diff := cmp.Diff([]string{"1", "2", "3"}, m.published); diff != "" {
			t.Errorf("published differs (-want +got):\n%s", diff)
		}
	})
}

func TestDispatcherTriesAgainAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{waiting: []Event{{ID: "1"}, {ID: "2"}}, failures: 2}
		runFor(t, m, time.Millisecond)
		if diff := cmp.Diff([]string{"1", "2"}, m.published); diff != "" {
			t.Errorf("published differs (-want +got):\n%s", diff)
		}
	})
}

func TestDispatcherFinishesEventInHand(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := &memory{waiting: []Event{{ID: "1"}, {ID: "2"}}}
	publisher := publisherFunc(func(ctx context.Context, event Event) error {
		cancel()
		return m.Publish(ctx, event)
	})
	dispatcherOf(m, publisher).Run(ctx)
	if diff := cmp.Diff([]string{"1"}, m.published); diff != "" {
		t.Errorf("published differs (-want +got):\n%s", diff)
	}
	if got, want := len(m.waiting), 1; got != want {
		t.Errorf("waiting = %d events, want %d", got, want)
	}
}

func TestDispatcherLeavesTimeToSaveFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{waiting: []Event{{ID: "1"}}, slow: true}
		// 5s for each attempt.
		runFor(t, m, 10*time.Second-time.Millisecond)
		if got, want := m.saved, 2; got != want {
			t.Errorf("saved %d failures, want %d", got, want)
		}
	})
}

// queueFunc counts how often it was asked.
type queueFunc struct {
	asked   int
	deliver func(asked int) (bool, error)
}

func (q *queueFunc) Deliver(context.Context, func(context.Context, Event) error) (bool, error) {
	q.asked++
	return q.deliver(q.asked)
}

func TestDispatcherSleepsOnlyWhenNothingIsDue(t *testing.T) {
	down := errors.New("consumer is down")
	for _, test := range []struct {
		queue queueFunc
		want  int
	}{
		// 40 aggregates that fail do not hold up those after them.
		{queueFunc{deliver: func(asked int) (bool, error) { return asked <= 40, down }}, 41 + 2},
		{queueFunc{deliver: func(int) (bool, error) { return false, errors.New("database is down") }}, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second+time.Millisecond)
			defer cancel()
			dispatcherOf(&test.queue, nil).Run(ctx)
			if got := test.queue.asked; got != test.want {
				t.Errorf("asked %d times in 2s, want %d", got, test.want)
			}
		})
	}
}

type publisherFunc func(context.Context, Event) error

func (f publisherFunc) Publish(ctx context.Context, event Event) error { return f(ctx, event) }

// runFor runs a dispatcher that looks for events each second.
func runFor(t *testing.T, m *memory, duration time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	dispatcherOf(m, m).Run(ctx)
}

func dispatcherOf(queue Queue, publisher Publisher) *Dispatcher {
	return &Dispatcher{
		Queue: queue, Publisher: publisher, Log: slog.New(slog.DiscardHandler), Interval: time.Second, Timeout: 10 * time.Second,
	}
}
