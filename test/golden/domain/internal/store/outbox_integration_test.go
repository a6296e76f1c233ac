//go:build integration

package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/acme/app/primitives/domain/orders/internal/outbox"
)

// open returns a store on a schema of its own, at the database that TEST_POSTGRES_URL names.
func open(t *testing.T) *Store {
	t.Helper()
	base := os.Getenv("TEST_POSTGRES_URL")
	if base == "" {
		t.Fatal("TEST_POSTGRES_URL is not set: a Postgres database that tests may write to")
	}
	schema := strings.ToLower(strings.NewReplacer("/", "_", "-", "_").Replace(t.Name()))
	admin, err := pgx.Connect(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	name := pgx.Identifier{schema}.Sanitize()
	if _, err := admin.Exec(t.Context(), "DROP SCHEMA IF EXISTS "+name+" CASCADE; CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = admin.Exec(context.Background(), "DROP SCHEMA "+name+" CASCADE")
		_ = admin.Close(context.Background())
	})
	separator := "?"
	if strings.Contains(base, "?") {
		separator = "&"
	}
	url := base + separator + "pool_max_conns=5&search_path=" + schema
	for range 2 {
		if err := Migrate(t.Context(), slog.New(slog.DiscardHandler), url); err != nil {
			t.Fatalf("Migrate() error = %v, want nil, also when there is nothing to do", err)
		}
	}
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// event is the nth of an aggregate.
func event(id string, n int64) outbox.Event {
	return outbox.Event{
		ID: fmt.Sprintf("%s-%d", id, n), Tenant: "acme", Type: "test.Happened",
		AggregateType: "thing", AggregateID: id, Time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), Actor: "alice",
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", TraceState: "a=1", Data: []byte(`{"a": 1}`),
	}
}

func appendEvents(t *testing.T, s *Store, events ...outbox.Event) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error { return AppendEvents(t.Context(), tx, events...) })
	if err != nil {
		t.Fatalf("AppendEvents() error = %v, want nil", err)
	}
}

// deliver passes one event to a consumer that answers with err.
func deliver(t *testing.T, s *Store, err error) (got outbox.Event, found bool) {
	t.Helper()
	found, failure := s.Deliver(t.Context(), func(_ context.Context, event outbox.Event) error { got = event; return err })
	if !errors.Is(failure, err) {
		t.Fatalf("Deliver() error = %v, want %v", failure, err)
	}
	return got, found
}

// drain delivers what is due, and returns the ids in the order of delivery.
func drain(t *testing.T, s *Store) (ids []string) {
	t.Helper()
	for {
		event, found := deliver(t, s, nil)
		if !found {
			return ids
		}
		ids = append(ids, event.ID)
	}
}

func expectDrained(t *testing.T, s *Store, when string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, drain(t, s)); diff != "" {
		t.Errorf("delivered %s differs (-want +got):\n%s", when, diff)
	}
}

func TestOutboxKeepsWholeEvent(t *testing.T) {
	s := open(t)
	want := event("a", 1)
	appendEvents(t, s, want)
	want.Sequence = 1
	got, _ := deliver(t, s, nil)
	if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("delivered differs (-want +got):\n%s", diff)
	}
	expectDrained(t, s, "again")
}

func TestOutboxForgetsEventOfFailedTransaction(t *testing.T) {
	s := open(t)
	broken := errors.New("change failed")
	err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		return errors.Join(AppendEvents(t.Context(), tx, event("a", 1)), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("transaction: error = %v, want %v", err, broken)
	}
	expectDrained(t, s, "after that")
	appendEvents(t, s, event("a", 2))
	if got, _ := deliver(t, s, nil); got.Sequence != 1 {
		t.Errorf("sequence = %d, want 1", got.Sequence)
	}
}

func TestOutboxDeliversOnceInOrderOfAggregate(t *testing.T) {
	s := open(t)
	const aggregates, events = 5, 20
	var saved, all sync.WaitGroup
	for id := range aggregates {
		saved.Go(func() {
			for n := range int64(events) {
				appendEvents(t, s, event(fmt.Sprint(id), n+1))
			}
		})
	}
	done := make(chan struct{})
	go func() { saved.Wait(); close(done) }()
	var mutex sync.Mutex
	got := map[string][]int64{}
	// Several dispatchers, while events are being saved.
	for range 3 {
		all.Go(func() {
			for ended := false; ; {
				found, err := s.Deliver(t.Context(), func(_ context.Context, event outbox.Event) error {
					mutex.Lock()
					defer mutex.Unlock()
					got[event.AggregateID] = append(got[event.AggregateID], event.Sequence)
					return nil
				})
				if err != nil {
					t.Errorf("Deliver() error = %v, want nil", err)
				}
				if !found && ended {
					return
				}
				select {
				case <-done:
					ended = !found
				default:
				}
			}
		})
	}
	all.Wait()
	// What was in the hands of one dispatcher when the others stopped.
	for event, found := deliver(t, s, nil); found; event, found = deliver(t, s, nil) {
		got[event.AggregateID] = append(got[event.AggregateID], event.Sequence)
	}
	for id := range aggregates {
		var want []int64
		for n := range int64(events) {
			want = append(want, n+1)
		}
		if diff := cmp.Diff(want, got[fmt.Sprint(id)]); diff != "" {
			t.Errorf("sequences of %d differ (-want +got):\n%s", id, diff)
		}
	}
}

func TestOutboxPutsOffWhatFailed(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2), event("b", 1))
	// With bytes that are no text.
	deliver(t, s, errors.New("consumer is down \x00\xff"))
	var due time.Time
	// Keeps it from being due again while this test takes its time.
	err := s.pool.QueryRow(t.Context(), `
		UPDATE outbox SET next_attempt_at = next_attempt_at + interval '1 hour'
		WHERE message_id = 'a-1' AND attempts = 1 AND last_error = 'event a-1: consumer is down ??'
		RETURNING next_attempt_at`).Scan(&due)
	if err != nil || time.Until(due) < time.Hour-time.Minute {
		t.Errorf("next attempt at %v, %v, want it put off", due, err)
	}
	expectDrained(t, s, "meanwhile", "b-1")
	if err := s.RetryEvent(t.Context(), "a-1"); err != nil {
		t.Errorf("RetryEvent() error = %v, want nil", err)
	}
	expectDrained(t, s, "afterwards", "a-1", "a-2")
}

func TestOutboxLooksAtDueEventsOnly(t *testing.T) {
	s := open(t)
	_, err := s.pool.Exec(t.Context(), `
		INSERT INTO outbox (message_id, tenant_id, type, aggregate_type, aggregate_id, sequence, occurred_at, actor,
		                    trace_parent, trace_state, data, state, next_attempt_at)
		SELECT 's-' || n, 'acme', 't', 'thing', 's', n, now(), '', '', '', '{}', CASE n WHEN 1 THEN 'due' ELSE 'waiting' END,
		       now() + CASE n WHEN 1 THEN interval '1 hour' ELSE interval '0' END
		FROM generate_series(1, 20000) AS n`)
	if err != nil {
		t.Fatal(err)
	}
	appendEvents(t, s, event("healthy", 1))
	if _, err := s.pool.Exec(t.Context(), `ANALYZE outbox`); err != nil {
		t.Fatal(err)
	}
	var plan []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	if err := s.pool.QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+selectDue).Scan(&plan); err != nil {
		t.Fatal(err)
	}
	if got := plan[0].Plan.Hit + plan[0].Plan.Read; got > 100 {
		t.Errorf("looked at %d blocks to find one event, want at most 100", got)
	}
	expectDrained(t, s, "behind a stuck aggregate", "healthy-1")
}

func TestOutboxReplaysInOrder(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2), event("b", 1))
	expectDrained(t, s, "first", "a-1", "b-1", "a-2")
	appendEvents(t, s, event("a", 3))
	deliver(t, s, outbox.ErrRefused)
	if got, err := s.Replay(t.Context()); got != 4 || err != nil {
		t.Errorf("Replay() = %d, %v, want 4, nil", got, err)
	}
	appendEvents(t, s, event("a", 4))
	var got []string
	for _, id := range drain(t, s) {
		if strings.HasPrefix(id, "a") {
			got = append(got, id)
		}
	}
	if diff := cmp.Diff([]string{"a-1", "a-2", "a-3", "a-4"}, got); diff != "" {
		t.Errorf("delivered after the replay differs (-want +got):\n%s", diff)
	}
}

func TestOutboxReplaysWhatIsKept(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2), event("a", 3), event("b", 1), event("c", 1), event("c", 2))
	expectForgotten := func(when string, age time.Duration, limit int, want int64) {
		t.Helper()
		if got, err := s.Forget(t.Context(), age, limit); got != want || err != nil {
			t.Errorf("Forget() %s = %d, %v, want %d, nil", when, got, err, want)
		}
	}
	expectForgotten("before delivery", 0, 10, 0)
	for range 4 {
		deliver(t, s, nil) // a-1, b-1, c-1, a-2
	}
	deliver(t, s, outbox.ErrRefused)
	if err := s.GiveUpEvent(t.Context(), "c-2"); err != nil {
		t.Fatal(err)
	}
	drain(t, s)
	expectForgotten("of the last hour", time.Hour, 10, 0)
	expectForgotten("at most", 0, 1, 1)
	// The last one of c is a tombstone, which says nothing, so that both stay.
	expectForgotten("the rest", 0, 10, 1)
	if got, err := s.Replay(t.Context()); got != 4 || err != nil {
		t.Errorf("Replay() = %d, %v, want 4, nil", got, err)
	}
	appendEvents(t, s, event("a", 4))
	got := map[string]bool{}
	for event, found := deliver(t, s, nil); found; event, found = deliver(t, s, nil) {
		got[event.ID] = event.First
	}
	want := map[string]bool{"a-3": true, "a-4": false, "b-1": true, "c-1": true, "c-2": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("delivered, and whether they are the first, differs (-want +got):\n%s", diff)
	}
}

func TestOutboxReplaysDuringDelivery(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2))
	var replay sync.WaitGroup
	found, err := s.Deliver(t.Context(), func(ctx context.Context, _ outbox.Event) error {
		replay.Go(func() {
			if _, err := s.Replay(ctx); err != nil {
				t.Errorf("Replay() error = %v, want nil", err)
			}
		})
		for waits := false; !waits; {
			err := s.pool.QueryRow(ctx, `
				SELECT EXISTS (SELECT FROM pg_stat_activity
				WHERE wait_event_type = 'Lock' AND query LIKE '%outbox%' AND pid <> pg_backend_pid())`).Scan(&waits)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if !found || err != nil {
		t.Fatalf("Deliver() = %v, %v, want true, nil", found, err)
	}
	replay.Wait()
	expectDrained(t, s, "after the replay", "a-1", "a-2")
	appendEvents(t, s, event("a", 3))
	expectDrained(t, s, "later", "a-3")
}

func TestRefusedEventIsDeadUntilSomebodyDecides(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2), event("b", 1), event("b", 2))
	refused := fmt.Errorf("400: %w", outbox.ErrRefused)
	deliver(t, s, refused)
	deliver(t, s, refused)
	expectDrained(t, s, "after that")
	stuck, err := s.StuckEvents(t.Context())
	want := []outbox.Stuck{
		{ID: "a-1", Tenant: "acme", Type: "test.Happened", AggregateType: "thing", AggregateID: "a", Sequence: 1, Dead: true, Attempts: 1},
		{ID: "b-1", Tenant: "acme", Type: "test.Happened", AggregateType: "thing", AggregateID: "b", Sequence: 1, Dead: true, Attempts: 1},
	}
	byID := cmpopts.SortSlices(func(a, b outbox.Stuck) bool { return a.ID < b.ID })
	if diff := cmp.Diff(want, stuck, byID, cmpopts.IgnoreFields(outbox.Stuck{}, "LastError")); diff != "" || err != nil {
		t.Errorf("StuckEvents() error = %v, differs (-want +got):\n%s", err, diff)
	}
	if err := errors.Join(s.RetryEvent(t.Context(), "a-1"), s.GiveUpEvent(t.Context(), "b-1")); err != nil {
		t.Errorf("RetryEvent(), GiveUpEvent(): error = %v, want nil", err)
	}
	if err := s.RetryEvent(t.Context(), "a-2"); err == nil {
		t.Error("RetryEvent() of an event that waits: error = nil, want one")
	}
	tombstones := map[string]bool{}
	for event, found := deliver(t, s, nil); found; event, found = deliver(t, s, nil) {
		tombstones[event.ID] = event.Tombstone
	}
	if diff := cmp.Diff(map[string]bool{"a-1": false, "a-2": false, "b-1": true, "b-2": false}, tombstones); diff != "" {
		t.Errorf("tombstones differ (-want +got):\n%s", diff)
	}
}

func TestReadyNeedsDatabase(t *testing.T) {
	s := open(t)
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready() error = %v, want nil", err)
	}
	if _, err := s.pool.Exec(t.Context(), `UPDATE goose_db_version SET version_id = 0`); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Error("Ready() on an old schema: error = nil, want one")
	}
	nowhere, err := Open(t.Context(), "postgres://127.0.0.1:1/none?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	if err := nowhere.Ready(t.Context()); err == nil {
		t.Error("Ready() without a database: error = nil, want one")
	}
}
