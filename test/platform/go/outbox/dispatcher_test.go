package outbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stream is an aggregate of a memory.
type stream struct {
	lane      Lane
	delivered int64
	due       time.Time
	attempts  int
	events    []Event
}

// memory is a queue for one subscription.
type memory struct {
	mutex    sync.Mutex
	streams  []*stream
	claims   int
	outcomes []Outcome
	// err is returned by all methods.
	err error
	// old is the number of events that Forget deletes, forgets the number of its calls.
	old     int64
	forgets int
	wake    func()
}

// append adds the next event to a stream, which may be new, and returns it.
func (m *memory) append(stream int) Event {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	s := m.streams[stream]
	event := Event{ID: fmt.Sprintf("%d-%d", stream, len(s.events)+1), Sequence: int64(len(s.events)) + 1}
	s.events = append(s.events, event)
	return event
}

// queueOf returns a queue with a number of streams that have one event each.
func queueOf(streams int) *memory {
	m := &memory{}
	for i := range streams {
		m.streams = append(m.streams, &stream{lane: Live, due: time.Now()})
		m.append(i)
	}
	return m
}

func (m *memory) Subscribe(context.Context, string) error { return nil }

func (m *memory) Claim(_ context.Context, _ string, lane Lane, limit int, lease time.Duration) (runs []Run, _ error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.claims++
	for i, s := range m.streams {
		if m.err == nil && len(runs) < limit && s.lane == lane && s.delivered < int64(len(s.events)) && !s.due.After(time.Now()) {
			s.due = time.Now().Add(lease)
			runs = append(runs, Run{Stream: int64(i), Position: s.delivered, Attempts: s.attempts, Events: s.events[s.delivered:]})
		}
	}
	return runs, m.err
}

func (m *memory) Save(_ context.Context, _ string, outcomes []Outcome) ([]Outcome, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.err != nil {
		return outcomes, m.err
	}
	for _, o := range outcomes {
		s := m.streams[o.Stream]
		s.lane, s.delivered, s.due = Live, o.Reached, time.Now()
		if o.Err != nil && !errors.Is(o.Err, ErrUnavailable) {
			s.lane, s.attempts, s.due = Retry, s.attempts+1, time.Now().Add(time.Second)
		}
	}
	m.outcomes = append(m.outcomes, outcomes...)
	return nil, nil
}

func (m *memory) ContinueReplay(context.Context, string) (bool, error) { return false, m.err }

func (m *memory) Forget(_ context.Context, age time.Duration, after int64) (next, deleted int64, _ error) {
	m.forgets++
	if age != time.Hour {
		return 0, 0, fmt.Errorf("age = %v, want the retention", age)
	}
	deleted = min(m.old, 10)
	if m.old -= deleted; m.old > 0 {
		next = after + 10
	}
	return next, deleted, nil
}

func (m *memory) Listen(ctx context.Context, wake func()) error {
	m.wake = wake
	<-ctx.Done()
	return ctx.Err()
}

// consumer answers events by their id with an error, and records those that it takes.
type consumer struct {
	mutex     sync.Mutex
	answer    func(ctx context.Context, event Event) error
	published []string
	last      time.Time
}

func (c *consumer) Publish(ctx context.Context, event Event) error {
	if c.answer != nil {
		if err := c.answer(ctx, event); err != nil {
			return err
		}
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.published, c.last = append(c.published, event.ID), time.Now()
	return nil
}

func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// start runs a dispatcher until the returned function is called, which waits for its end. The interval is a second.
func start(t *testing.T, m *memory, c Publisher, log io.Writer) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	d := &Dispatcher{
		Queue: m, Publishers: map[string]Publisher{"list": c}, Log: slog.New(slog.NewTextHandler(log, nil)),
		Interval: time.Second, Retention: time.Hour,
	}
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	return func() { cancel(); running.Wait() }
}

func expectPublished(t *testing.T, c *consumer, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, c.published); diff != "" {
		t.Errorf("published differs (-want +got):\n%s", diff)
	}
}

func TestDispatcher_DeliversInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := queueOf(1)
		m.append(0)
		m.append(0)
		c := &consumer{}
		stop := start(t, m, c, io.Discard)
		time.Sleep(time.Millisecond)
		stop()
		expectPublished(t, c, "0-1", "0-2", "0-3")
	})
}

func TestDispatcher_RetriesFailedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := queueOf(1)
		m.append(0)
		failures := 2
		c := &consumer{answer: func(context.Context, Event) error {
			if failures--; failures >= 0 {
				return errors.New("disk full")
			}
			return nil
		}}
		stop := start(t, m, c, io.Discard)
		time.Sleep(10 * time.Second)
		stop()
		expectPublished(t, c, "0-1", "0-2")
	})
}

func TestDispatcher_FinishesCurrentEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := queueOf(1)
		m.append(0)
		c := &consumer{answer: func(context.Context, Event) error { time.Sleep(time.Second); return nil }}
		stop := start(t, m, c, io.Discard)
		time.Sleep(time.Millisecond)
		stop()
		expectPublished(t, c, "0-1")
		if got := m.streams[0].delivered; got != 1 {
			t.Errorf("saved %d events, want 1", got)
		}
	})
}

func TestDispatcher_LeavesTimeToSaveFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := queueOf(1)
		stop := start(t, m, &consumer{answer: func(ctx context.Context, _ Event) error { return hang(ctx) }}, io.Discard)
		time.Sleep(time.Millisecond)
		began := time.Now()
		stop()
		if took := time.Since(began); took > publishTimeout || len(m.outcomes) != 1 {
			t.Errorf("stopped after %v with %d outcomes, want 1 within %v", took, len(m.outcomes), publishTimeout)
		}
	})
}

func TestDispatcher_SlowEventsDelayNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := queueOf(1001)
		// The last one is healthy, and has its event later.
		m.streams[1000].events = nil
		c := &consumer{answer: func(ctx context.Context, event Event) error {
			if strings.HasPrefix(event.ID, "1000-") {
				return nil
			}
			return hang(ctx)
		}}
		stop := start(t, m, c, io.Discard)
		defer stop()
		// It learns which events are slow.
		time.Sleep(5 * time.Second)
		for range 60 {
			time.Sleep(time.Second)
			began := time.Now()
			m.append(1000)
			m.wake()
			time.Sleep(200 * time.Millisecond)
			if took := c.last.Sub(began); took < 0 || took > 100*time.Millisecond {
				t.Fatalf("delivered after %v, want at most 100ms", took)
			}
		}
	})
}

func TestDispatcher_LogsOutageInFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const outage = 67 * time.Second
		m := queueOf(2000)
		began := time.Now()
		sent := 0
		var mutex sync.Mutex
		c := &consumer{answer: func(context.Context, Event) error {
			if time.Since(began) < outage {
				mutex.Lock()
				defer mutex.Unlock()
				sent++
				return fmt.Errorf("connection refused: %w", ErrUnavailable)
			}
			return nil
		}}
		var log strings.Builder
		stop := start(t, m, c, &log)
		time.Sleep(outage + lastProbe + time.Second)
		stop()
		lines := strings.Count(log.String(), "\n") - strings.Count(log.String(), "msg=delivered")
		if lines > 10 || !strings.Contains(log.String(), `msg="consumer is available again"`) {
			t.Errorf("logged %d lines, want at most 10, and the end of the outage", lines)
		}
		if got := len(c.published); got != 2000 || sent > 200 {
			t.Errorf("published %d events after %d failures, want 2000 after at most 200", got, sent)
		}
		for _, s := range m.streams {
			if s.attempts != 0 {
				t.Fatalf("an outage counts as %d attempts, want 0", s.attempts)
			}
		}
	})
}

func TestDispatcher_WakesForNewEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := queueOf(1)
		c := &consumer{}
		stop := start(t, m, c, io.Discard)
		defer stop()
		time.Sleep(10 * time.Second)
		idle := m.claims
		time.Sleep(10 * time.Second)
		if claims := m.claims - idle; claims > 10*len(lanes) {
			t.Errorf("asked %d times in 10s of idleness, want at most %d", claims, 10*len(lanes))
		}
		m.append(0)
		m.wake()
		time.Sleep(time.Millisecond)
		expectPublished(t, c, "0-1", "0-2")
	})
}

func TestDispatcher_QueueFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := queueOf(1)
		m.err = errors.New("database is down")
		c := &consumer{}
		var log strings.Builder
		stop := start(t, m, c, &log)
		time.Sleep(time.Minute)
		m.mutex.Lock()
		m.err = nil
		m.mutex.Unlock()
		time.Sleep(2 * time.Second)
		stop()
		expectPublished(t, c, "0-1")
		if got := strings.Count(log.String(), "database is down"); got != len(lanes) {
			t.Errorf("logged the failure %d times, want once for each lane: %s", got, log.String())
		}
	})
}

func TestDispatcher_DeletesOldEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := queueOf(0)
		m.old = 21
		stop := start(t, m, &consumer{}, io.Discard)
		time.Sleep(2*forgetInterval + time.Minute)
		stop()
		// Three times at the start, then by interval.
		if m.old != 0 || m.forgets != 3+2 {
			t.Errorf("left %d old events, asked %d times; want 0, 5", m.old, m.forgets)
		}
	})
}

func TestDispatcher_LogsDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := queueOf(1)
		m.streams[0].events[0] = Event{
			ID: "m1", Tenant: "acme", Type: "test.Happened", AggregateType: "item", AggregateID: "i1", Sequence: 3, Actor: "alice",
			TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		}
		failures := 1
		c := &consumer{answer: func(context.Context, Event) error {
			if failures--; failures >= 0 {
				return errors.New("disk full")
			}
			return nil
		}}
		var log strings.Builder
		stop := start(t, m, c, &log)
		time.Sleep(3 * time.Second)
		stop()
		const event = "tenant=acme subject=alice trace_id=4bf92f3577b34da6a3ce929d0e0e4736 id=m1 type=test.Happened stream=item/i1 sequence=3"
		for _, want := range []string{
			`level=ERROR msg="delivery fails" subscription=list ` + event + ` attempts=0 failures=1 unavailable=false error="disk full"`,
			`level=INFO msg=delivered subscription=list ` + event + ` attempts=1`,
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("log = %s, want %s", log.String(), want)
			}
		}
	})
}
