//go:build integration

package queue

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/service/internal/platform/outbox"
)

func expectDrainedOf(t *testing.T, s *Store, subscription string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, ids(drainOf(t, s, subscription))); diff != "" {
		t.Errorf("delivered to %s differs (-want +got):\n%s", subscription, diff)
	}
}

func do(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestSubscriptions_HaveOwnPositions(t *testing.T) {
	s := open(t)
	do(t, s.Subscribe(t.Context(), "mail"))
	appendEvents(t, s, event("a", 1), event("b", 1))
	deliver(t, s, outbox.ErrRefused)
	expectDrainedOf(t, s, "mail", "a-1", "b-1")
	expectDrainedOf(t, s, "list", "b-1")
	appendEvents(t, s, event("a", 2))
	expectDrainedOf(t, s, "mail", "a-2")
	all, err := s.Subscriptions(t.Context())
	oldest := event("a", 1).Time
	want := []outbox.Subscription{{Name: "list", Waiting: 1, Dead: 1, Oldest: &oldest}, {Name: "mail"}}
	if diff := cmp.Diff(want, all, cmpopts.EquateApproxTime(0), cmpopts.IgnoreFields(outbox.Subscription{}, "Created")); diff != "" || err != nil {
		t.Errorf("Subscriptions() error = %v, differ (-want +got):\n%s", err, diff)
	}
}

func TestSubscriptions_ComeAndGo(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2))
	expectDrained(t, s, "to the first", "a-1", "a-2")
	do(t, s.AddSubscription(t.Context(), "start", true), s.AddSubscription(t.Context(), "now", false), s.Subscribe(t.Context(), "now"))
	appendEvents(t, s, event("a", 3), event("b", 1))
	expectDrainedOf(t, s, "start", "a-1", "a-2", "a-3", "b-1")
	expectDrainedOf(t, s, "now", "^a-3", "b-1")

	do(t, s.PauseSubscription(t.Context(), "now", true))
	appendEvents(t, s, event("b", 2))
	expectDrainedOf(t, s, "now")
	do(t, s.PauseSubscription(t.Context(), "now", false), s.RenameSubscription(t.Context(), "now", "later"))
	expectDrainedOf(t, s, "later", "b-2")
	do(t, s.RemoveSubscription(t.Context(), "later"))
	if err := s.PauseSubscription(t.Context(), "later", true); err == nil {
		t.Error("PauseSubscription() of a removed one: error = nil, want one")
	}
	do(t, s.Subscribe(t.Context(), "later"))
	expectDrainedOf(t, s, "later", "a-1", "a-2", "a-3", "b-1", "b-2")
	expectDrained(t, s, "to the first", "a-3", "b-1", "b-2")
}

func TestAddSubscription_DuringChange(t *testing.T) {
	s := open(t)
	tx, err := s.pool.Begin(t.Context())
	do(t, err, Append(t.Context(), tx, event("a", 1)))
	if err := s.Subscribe(t.Context(), "mail"); err == nil {
		t.Error("Subscribe() during a change that does not know it: error = nil, want one")
	}
	added := make(chan error, 1)
	go func() { added <- s.Subscribe(t.Context(), "mail") }()
	time.Sleep(100 * time.Millisecond)
	do(t, tx.Commit(t.Context()), <-added)
	expectDrainedOf(t, s, "mail", "a-1")
}

func TestMigrate_KeepsPositions(t *testing.T) {
	url := schema(t)
	all := sets
	defer func() { sets = all }()
	sets = all[:1]
	do(t, Migrate(t.Context(), slog.New(slog.DiscardHandler), url))
	s := connect(t, url)
	// What the first version of the outbox left: a is delivered and has a new event, b is dead, c failed, d is given up, and
	// e is in a replay without its deleted first event.
	_, err := s.pool.Exec(t.Context(), `
		INSERT INTO outbox_streams (tenant_id, aggregate_type, aggregate_id, saved, delivered)
		VALUES ('acme', 'thing', 'a', 2, 1), ('acme', 'thing', 'b', 2, 0), ('acme', 'thing', 'c', 1, 0), ('acme', 'thing', 'd', 2, 0),
		       ('acme', 'thing', 'e', 2, 1), ('acme', 'thing', 'f', 1, 1);
		INSERT INTO outbox (message_id, tenant_id, type, aggregate_type, aggregate_id, sequence, occurred_at, actor, trace_parent,
		                    trace_state, data, state, attempts, last_error, tombstone, first)
		SELECT id || '-' || sequence, 'acme', 't', 'thing', id, sequence, now(), '', '', '', '{}', state, attempts, error, tombstone, first
		FROM (VALUES ('a', 1, 'delivered', 0, '', false, false), ('a', 2, 'due', 0, '', false, false),
		             ('b', 1, 'dead', 1, '400', false, false), ('b', 2, 'waiting', 0, '', false, false),
		             ('c', 1, 'due', 3, '500', false, false), ('d', 1, 'due', 1, '', true, false), ('d', 2, 'waiting', 0, '', false, false),
		             ('e', 2, 'due', 0, '', false, true), ('f', 1, 'delivered', 0, '', false, false))
		     AS old (id, sequence, state, attempts, error, tombstone, first)`)
	do(t, err)
	sets = all
	do(t, Migrate(t.Context(), slog.New(slog.DiscardHandler), url), s.Ready(t.Context()), s.Subscribe(t.Context(), "default"))
	stuck, err := s.StuckEvents(t.Context(), outbox.Filter{})
	want := []outbox.Stuck{
		{ID: "b-1", AggregateID: "b", Dead: true, Attempts: 1, LastError: "400"},
		{ID: "c-1", AggregateID: "c", Attempts: 3, LastError: "500"},
		{ID: "d-1", AggregateID: "d", Attempts: 1},
	}
	shown := cmpopts.IgnoreFields(outbox.Stuck{}, "Subscription", "Tenant", "Type", "AggregateType", "Sequence", "Time")
	if diff := cmp.Diff(want, stuck, shown); diff != "" || err != nil {
		t.Errorf("StuckEvents() error = %v, differ (-want +got):\n%s", err, diff)
	}
	if _, err := s.RetryEvents(t.Context(), outbox.Filter{ID: "b-1"}); err != nil {
		t.Fatal(err)
	}
	sorted := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	got := ids(drainOf(t, s, "default"))
	if diff := cmp.Diff([]string{"a-2", "b-1", "b-2", "c-1", "d-1!", "d-2", "^e-2"}, got, sorted); diff != "" {
		t.Errorf("delivered after the migration differs (-want +got):\n%s", diff)
	}
	appendEvents(t, s, event("f", 2))
	expectDrainedOf(t, s, "default", "f-2")
	if _, err := s.StartReplay(t.Context(), outbox.Filter{Subscription: "default"}); err != nil {
		t.Fatal(err)
	}
	if got := len(drainOf(t, s, "default")); got != 10 {
		t.Errorf("a replay delivers %d events, want 10", got)
	}
}
