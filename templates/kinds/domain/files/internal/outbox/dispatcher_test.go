package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// memory is a queue of events and their consumer.
type memory struct {
	forgetting
	waiting   []Event
	published []string
	failures  int
	// slow makes the consumer block until its context ends.
	slow bool
	// saved is the number of failures saved in time.
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
		m.waiting[0].Attempts++
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

func TestDispatcher_DeliversInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{waiting: []Event{{ID: "1"}, {ID: "2"}, {ID: "3"}}}
		runFor(t, m, time.Millisecond)
		if diff := cmp.Diff([]string{"1", "2", "3"}, m.published); diff != "" {
			t.Errorf("published differs (-want +got):\n%s", diff)
		}
	})
}

func TestDispatcher_RetriesFailedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{waiting: []Event{{ID: "1"}, {ID: "2"}}, failures: 2}
		runFor(t, m, time.Millisecond)
		if diff := cmp.Diff([]string{"1", "2"}, m.published); diff != "" {
			t.Errorf("published differs (-want +got):\n%s", diff)
		}
	})
}

func TestDispatcher_FinishesCurrentEvent(t *testing.T) {
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

func TestDispatcher_LeavesTimeToSaveFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{waiting: []Event{{ID: "1"}}, slow: true}
		runFor(t, m, 2*publishTimeout-time.Millisecond)
		if got, want := m.saved, 2; got != want {
			t.Errorf("saved %d failures, want %d", got, want)
		}
	})
}

// queueFunc counts its calls.
type queueFunc struct {
	forgetting
	asked   int
	deliver func(asked int) (bool, error)
}

func (q *queueFunc) Deliver(context.Context, func(context.Context, Event) error) (bool, error) {
	q.asked++
	return q.deliver(q.asked)
}

func TestDispatcher_SleepsOnlyIfNothingIsDue(t *testing.T) {
	down := errors.New("consumer is down")
	for _, test := range []struct {
		queue queueFunc
		want  int
	}{
		// 40 failing aggregates do not delay the others.
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

// forgetting implements Forget for a number of old events.
type forgetting struct {
	old   int
	asked int
}

func (f *forgetting) Forget(_ context.Context, age time.Duration, limit int) (int64, error) {
	f.asked++
	if age != time.Hour {
		return 0, fmt.Errorf("age = %v, want the retention", age)
	}
	count := min(f.old, limit)
	f.old -= count
	return int64(count), nil
}

func TestDispatcher_DeletesOldEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{forgetting: forgetting{old: 2*forgetBatch + 1}}
		runFor(t, m, 2*forgetInterval+time.Minute)
		// Three batches at the start, then twice by interval.
		if m.old != 0 || m.forgetting.asked != 3+2 {
			t.Errorf("left %d old events, asked %d times; want 0, 5", m.old, m.forgetting.asked)
		}
	})
}

func TestDispatcher_LogsDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{failures: 1, waiting: []Event{{
			ID: "m1", Tenant: "acme", Type: "test.Happened", AggregateType: "item", AggregateID: "i1", Sequence: 3, Actor: "alice",
			TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		}}}
		var log strings.Builder
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		d := dispatcherOf(m, m)
		d.Log = slog.New(slog.NewTextHandler(&log, nil))
		d.Run(ctx)
		const event = "tenant=acme subject=alice trace_id=4bf92f3577b34da6a3ce929d0e0e4736 id=m1 type=test.Happened stream=item/i1 sequence=3"
		for _, want := range []string{
			`level=ERROR msg="delivery failed" ` + event + ` attempts=0 dead=false error="consumer is down"`,
			`level=INFO msg=delivered ` + event + ` attempts=1`,
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("log = %s, want %s", log.String(), want)
			}
		}
	})
}

type publisherFunc func(context.Context, Event) error

func (f publisherFunc) Publish(ctx context.Context, event Event) error { return f(ctx, event) }

// runFor runs a dispatcher that polls every second.
func runFor(t *testing.T, m *memory, duration time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	dispatcherOf(m, m).Run(ctx)
}

func dispatcherOf(queue Queue, publisher Publisher) *Dispatcher {
	return &Dispatcher{
		Queue: queue, Publisher: publisher, Log: slog.New(slog.DiscardHandler), Interval: time.Second, Retention: time.Hour,
	}
}
