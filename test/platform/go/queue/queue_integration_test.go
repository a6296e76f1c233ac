//go:build integration

package queue

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
	"github.com/jackc/pgx/v5/pgxpool"

	"example.com/service/internal/platform/outbox"
	"example.com/service/internal/platform/postgres"
)

// Store is the store of a service, as a scaffold has it.
type Store struct {
	*postgres.DB
	*Queue
	pool *pgxpool.Pool
}

// sets are the first migration of a domain, which creates the table of events, and those of the queue.
var sets = []postgres.Migrations{
	{Files: os.DirFS("../../store"), Folder: "migrations", Table: "goose_db_version"},
	Migrations,
}

func Open(ctx context.Context, url string) (*Store, error) {
	db, err := postgres.Open(ctx, url, sets...)
	if err != nil {
		return nil, err
	}
	return &Store{db, New(db.Pool), db.Pool}, nil
}

func Migrate(ctx context.Context, log *slog.Logger, url string) error {
	return postgres.Migrate(ctx, log, url, sets...)
}

// open returns a store with its own schema in the database of TEST_POSTGRES_URL, and a subscription named list.
func open(t *testing.T) *Store {
	t.Helper()
	url := schema(t)
	for range 2 {
		if err := Migrate(t.Context(), slog.New(slog.DiscardHandler), url); err != nil {
			t.Fatalf("Migrate() error = %v, want nil, also if there is nothing to do", err)
		}
	}
	s := connect(t, url)
	if err := s.Subscribe(t.Context(), "list"); err != nil {
		t.Fatal(err)
	}
	return s
}

func connect(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// schema returns the URL of an empty schema of this test.
func schema(t *testing.T) string {
	t.Helper()
	base := os.Getenv("TEST_POSTGRES_URL")
	if base == "" {
		t.Fatal("TEST_POSTGRES_URL is not set: it must name a Postgres database that tests may write to")
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
	return base + separator + "pool_max_conns=5&search_path=" + schema
}

// event returns the nth event of an aggregate.
func event(id string, n int64) outbox.Event {
	return outbox.Event{
		ID: fmt.Sprintf("%s-%d", id, n), Tenant: "acme", Type: "test.Happened",
		AggregateType: "thing", AggregateID: id, Time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), Actor: "alice",
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", TraceState: "a=1", Request: "r1", Data: []byte(`{"a": 1}`),
	}
}

func appendEvents(t *testing.T, s *Store, events ...outbox.Event) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error { return Append(t.Context(), tx, events...) })
	if err != nil {
		t.Fatalf("Append() error = %v, want nil", err)
	}
}

var lanes = []outbox.Lane{outbox.Live, outbox.Retry, outbox.Replay}

// claim returns one due run of a subscription.
func claimOne(t *testing.T, s *Store, subscription string) (outbox.Run, bool) {
	t.Helper()
	for {
		for _, lane := range lanes {
			runs, err := s.Claim(t.Context(), subscription, lane, 1, time.Minute)
			if err != nil {
				t.Fatalf("Claim() error = %v, want nil", err)
			}
			if len(runs) > 0 {
				return runs[0], true
			}
		}
		if more, err := s.ContinueReplay(t.Context(), subscription); err != nil {
			t.Fatalf("ContinueReplay() error = %v, want nil", err)
		} else if !more {
			return outbox.Run{}, false
		}
	}
}

// outcomeOf returns the outcome of a run whose events are all delivered, or whose first event fails.
func outcomeOf(run outbox.Run, err error) outbox.Outcome {
	outcome := outbox.Outcome{Run: run, Reached: run.Position, Err: err}
	if count := len(run.Events); count > 0 && err == nil {
		outcome.Reached = run.Events[count-1].Sequence
	}
	return outcome
}

func save(t *testing.T, s *Store, subscription string, outcomes ...outbox.Outcome) {
	t.Helper()
	if rest, err := s.Save(t.Context(), subscription, outcomes); err != nil || len(rest) > 0 {
		t.Fatalf("Save() = %v, %v, want none, nil", rest, err)
	}
}

// deliver delivers a run of the subscription list; with an error, its first event fails.
func deliver(t *testing.T, s *Store, err error) []outbox.Event {
	t.Helper()
	run, found := claimOne(t, s, "list")
	if found {
		save(t, s, "list", outcomeOf(run, err))
	}
	return run.Events
}

// drainOf delivers all due events of a subscription and returns them in order.
func drainOf(t *testing.T, s *Store, subscription string) (events []outbox.Event) {
	t.Helper()
	for run, found := claimOne(t, s, subscription); found; run, found = claimOne(t, s, subscription) {
		save(t, s, subscription, outcomeOf(run, nil))
		events = append(events, run.Events...)
	}
	return events
}

// drain returns the ids of all due events of the subscription list.
func drain(t *testing.T, s *Store) []string { return ids(drainOf(t, s, "list")) }

// ids returns the ids of events, with ! if it is a tombstone and ^ if its predecessor is not sent.
func ids(events []outbox.Event) (all []string) {
	for _, event := range events {
		id := event.ID
		if event.First {
			id = "^" + id
		}
		if event.Tombstone {
			id += "!"
		}
		all = append(all, id)
	}
	return all
}

func expectDrained(t *testing.T, s *Store, when string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, drain(t, s)); diff != "" {
		t.Errorf("delivered %s differs (-want +got):\n%s", when, diff)
	}
}

func TestOutbox_DeliversWholeEvent(t *testing.T) {
	s := open(t)
	want := event("a", 1)
	appendEvents(t, s, want)
	want.Sequence = 1
	if diff := cmp.Diff([]outbox.Event{want}, deliver(t, s, nil), cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("delivered differs (-want +got):\n%s", diff)
	}
	expectDrained(t, s, "again")
}

func TestOutbox_RollbackDiscardsEvent(t *testing.T) {
	s := open(t)
	broken := errors.New("change failed")
	err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		return errors.Join(Append(t.Context(), tx, event("a", 1)), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("transaction: error = %v, want %v", err, broken)
	}
	expectDrained(t, s, "after that")
	appendEvents(t, s, event("a", 2))
	if got := deliver(t, s, nil); got[0].Sequence != 1 {
		t.Errorf("sequence = %d, want 1", got[0].Sequence)
	}
}

func TestOutbox_DeliversOnceInOrder(t *testing.T) {
	s := open(t)
	const aggregates, events = 5, 40
	var saving, delivering sync.WaitGroup
	for id := range aggregates {
		saving.Go(func() {
			for n := range int64(events) {
				appendEvents(t, s, event(fmt.Sprint(id), n+1))
			}
		})
	}
	var mutex sync.Mutex
	got, count := map[string][]int64{}, 0
	// Several dispatchers run while events are saved.
	for range 3 {
		delivering.Go(func() {
			for t.Context().Err() == nil {
				runs, err := s.Claim(t.Context(), "list", outbox.Live, 2, time.Minute)
				if err != nil {
					t.Errorf("Claim() error = %v, want nil", err)
					return
				}
				var outcomes []outbox.Outcome
				mutex.Lock()
				for _, run := range runs {
					for _, event := range run.Events {
						got[event.AggregateID] = append(got[event.AggregateID], event.Sequence)
						count++
					}
					outcomes = append(outcomes, outcomeOf(run, nil))
				}
				done := count >= aggregates*events
				if len(runs) > 0 && len(runs[0].Events) == 0 {
					t.Errorf("Claim() = %+v, want events", runs[0])
					done = true
				}
				mutex.Unlock()
				for len(outcomes) > 0 && err == nil {
					outcomes, err = s.Save(t.Context(), "list", outcomes)
				}
				if err != nil {
					t.Errorf("Save() error = %v, want nil", err)
				}
				if done {
					return
				}
			}
		})
	}
	saving.Wait()
	delivering.Wait()
	for id := range aggregates {
		var want []int64
		for n := range int64(events) {
			want = append(want, n+1)
		}
		if diff := cmp.Diff(want, got[fmt.Sprint(id)]); diff != "" {
			t.Errorf("sequences of %d differ (-want +got):\n%s", id, diff)
		}
	}
	expectDrained(t, s, "afterwards")
}

func TestOutbox_DelaysFailedEvent(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2))
	// With bytes that are not valid text.
	deliver(t, s, errors.New("disk full \x00\xff"))
	appendEvents(t, s, event("a", 3), event("b", 1))
	var due time.Time
	// One hour, so that a slow test does not see it due again.
	err := s.pool.QueryRow(t.Context(), `
		UPDATE outbox_deliveries SET due_at = due_at + interval '1 hour'
		WHERE state = 'retry' AND attempts = 1 AND last_error = 'disk full ??' RETURNING due_at`).Scan(&due)
	if err != nil || time.Until(due) < time.Hour-time.Minute {
		t.Errorf("next attempt at %v, %v, want it delayed", due, err)
	}
	expectDrained(t, s, "meanwhile", "b-1")
	if got, err := s.RetryEvents(t.Context(), outbox.Filter{ID: "a-1"}); got != 1 || err != nil {
		t.Errorf("RetryEvents() = %d, %v, want 1, nil", got, err)
	}
	expectDrained(t, s, "afterwards", "a-1", "a-2", "a-3")
}

func TestOutbox_KeepsAttemptsWhileUnavailable(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1))
	for range 3 {
		deliver(t, s, outbox.ErrUnavailable)
	}
	if run, _ := claimOne(t, s, "list"); run.Attempts != 0 || len(run.Events) != 1 {
		t.Errorf("Claim() after an outage = %+v, want one event without attempts", run)
	}
}

func TestOutbox_ContinuesWithinRun(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2), event("a", 3))
	run, _ := claimOne(t, s, "list")
	save(t, s, "list", outbox.Outcome{Run: run, Reached: 2})
	expectDrained(t, s, "after the first two", "a-3")
}

func TestOutbox_LeaseEnds(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1))
	late, _ := claimOne(t, s, "list")
	expectDrained(t, s, "during the lease")
	if _, err := s.pool.Exec(t.Context(), `UPDATE outbox_deliveries SET due_at = now()`); err != nil {
		t.Fatal(err)
	}
	defer func(mine string) { owner = mine }(owner)
	owner = "another process"
	again, found := claimOne(t, s, "list")
	if !found {
		t.Fatal("Claim() after the lease finds nothing, want the event")
	}
	owner = "late"
	if rest, err := s.Save(t.Context(), "list", []outbox.Outcome{outcomeOf(late, outbox.ErrRefused)}); err != nil || len(rest) != 1 {
		t.Errorf("Save() without the lease = %v, %v, want it not saved", rest, err)
	}
	owner = "another process"
	save(t, s, "list", outcomeOf(again, nil))
	expectDrained(t, s, "at the end")
}

func TestOutbox_SaveDoesNotWaitForCommand(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("b", 1))
	a, _ := claimOne(t, s, "list")
	b, _ := claimOne(t, s, "list")
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := Append(t.Context(), tx, event(a.Events[0].AggregateID, 2)); err != nil {
		t.Fatal(err)
	}
	rest, err := s.Save(t.Context(), "list", []outbox.Outcome{outcomeOf(a, nil), outcomeOf(b, nil)})
	if err != nil || len(rest) != 1 || rest[0].Stream != a.Stream {
		t.Errorf("Save() during a command = %v, %v, want only %d left", rest, err, a.Stream)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	save(t, s, "list", rest...)
	expectDrained(t, s, "after the command", a.Events[0].AggregateID+"-2")
}

func TestOutbox_ReadsDueEventsOnly(t *testing.T) {
	s := open(t)
	_, err := s.pool.Exec(t.Context(), `
		INSERT INTO outbox_streams (tenant_id, aggregate_type, aggregate_id, saved) SELECT 'acme', 'thing', 's' || n, 1 FROM generate_series(1, 20000) AS n;
		INSERT INTO outbox (message_id, tenant_id, type, aggregate_type, aggregate_id, sequence, occurred_at, actor, trace_parent, trace_state, data)
		SELECT 's-' || n, 'acme', 't', 'thing', 's' || n, 1, now(), '', '', '', '{}' FROM generate_series(1, 20000) AS n;
		INSERT INTO outbox_deliveries (subscription_id, stream_id, saved, delivered, state, due_at)
		SELECT subscription_id, stream_id, 1, stream_id % 2, CASE stream_id % 2 WHEN 0 THEN 'live' ELSE 'idle' END, now() + interval '1 hour'
		FROM outbox_streams, outbox_subscriptions`)
	if err != nil {
		t.Fatal(err)
	}
	appendEvents(t, s, event("healthy", 1))
	if _, err := s.pool.Exec(t.Context(), `ANALYZE`); err != nil {
		t.Fatal(err)
	}
	var plan []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	tx, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	query := `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ` + fmt.Sprintf(claimStreams, outbox.Live)
	if err := tx.QueryRow(t.Context(), query, "list", 1, owner, time.Minute).Scan(&plan); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := plan[0].Plan.Hit + plan[0].Plan.Read; got > 100 {
		t.Errorf("read %d blocks to find one event, want at most 100", got)
	}
	expectDrained(t, s, "behind failed aggregates", "healthy-1")
}

func TestOutbox_RefusedEventStaysDead(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2), event("b", 1), event("b", 2))
	refused := fmt.Errorf("400: %w", outbox.ErrRefused)
	deliver(t, s, refused)
	deliver(t, s, refused)
	expectDrained(t, s, "after that")
	stuck, err := s.StuckEvents(t.Context(), outbox.Filter{})
	dead := outbox.Stuck{
		Subscription: "list", ID: "a-1", Tenant: "acme", Type: "test.Happened", AggregateType: "thing", AggregateID: "a", Sequence: 1,
		Time: event("a", 1).Time, Dead: true, Attempts: 1, LastError: "400: refused",
	}
	other := dead
	other.ID, other.AggregateID = "b-1", "b"
	if diff := cmp.Diff([]outbox.Stuck{dead, other}, stuck, cmpopts.EquateApproxTime(0)); diff != "" || err != nil {
		t.Errorf("StuckEvents() error = %v, differs (-want +got):\n%s", err, diff)
	}
	if got, err := s.RetryEvents(t.Context(), outbox.Filter{ID: "a-1"}); got != 1 || err != nil {
		t.Errorf("RetryEvents() = %d, %v, want 1, nil", got, err)
	}
	if got, err := s.DiscardEvents(t.Context(), outbox.Filter{ID: "b-1"}, "no longer needed"); got != 1 || err != nil {
		t.Errorf("DiscardEvents() = %d, %v, want 1, nil", got, err)
	}
	if got, err := s.RetryEvents(t.Context(), outbox.Filter{ID: "a-2"}); got != 0 || err != nil {
		t.Errorf("RetryEvents() of an event that waits = %d, %v, want 0, nil", got, err)
	}
	expectDrained(t, s, "afterwards", "a-1", "a-2", "b-1!", "b-2")
}

func TestStuckEvents_Filter(t *testing.T) {
	s := open(t)
	for i := range 4 {
		stuck := event(fmt.Sprint(i), 1)
		stuck.Tenant, stuck.Type = []string{"acme", "other"}[i%2], []string{"created", "renamed"}[i/2]
		stuck.Time = stuck.Time.Add(time.Duration(i) * time.Hour)
		appendEvents(t, s, stuck)
		deliver(t, s, outbox.ErrRefused)
	}
	at := event("0", 1).Time
	for _, test := range []struct {
		filter outbox.Filter
		want   int64
	}{
		{outbox.Filter{}, 4},
		{outbox.Filter{Subscription: "list"}, 4},
		{outbox.Filter{Subscription: "other"}, 0},
		{outbox.Filter{Tenant: "acme"}, 2},
		{outbox.Filter{Tenant: "acme", Type: "renamed"}, 1},
		{outbox.Filter{Since: at.Add(time.Hour)}, 3},
		{outbox.Filter{Since: at.Add(time.Hour), Until: at.Add(3 * time.Hour)}, 2},
	} {
		stuck, err := s.StuckEvents(t.Context(), test.filter)
		if got := int64(len(stuck)); got != test.want || err != nil {
			t.Errorf("StuckEvents(%+v) = %d events, %v, want %d, nil", test.filter, got, err, test.want)
		}
		if got, err := s.RetryEvents(t.Context(), test.filter); got != test.want || err != nil {
			t.Errorf("RetryEvents(%+v) = %d, %v, want %d, nil", test.filter, got, err, test.want)
		}
	}
}

func TestListen_Wakes(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	woken, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Listen(ctx, func() { woken <- struct{}{} }) }()
	<-woken // It listens.
	appendEvents(t, s, event("a", 1))
	<-woken
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Listen() error = %v, want %v", err, context.Canceled)
	}
}

func TestReady_NoDatabase(t *testing.T) {
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
