//go:build integration

package queue

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/service/internal/platform/outbox"
)

// startReplayOf starts a replay for the subscription list.
func startReplayOf(t *testing.T, s *Store, filter outbox.Filter) int64 {
	t.Helper()
	filter.Subscription = "list"
	id, err := s.StartReplay(t.Context(), filter)
	if err != nil {
		t.Fatalf("StartReplay() error = %v, want nil", err)
	}
	return id
}

func TestReplay_InOrder(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2), event("b", 1))
	expectDrained(t, s, "first", "a-1", "a-2", "b-1")
	appendEvents(t, s, event("a", 3))
	deliver(t, s, outbox.ErrRefused)
	startReplayOf(t, s, outbox.Filter{})
	expectDrained(t, s, "by the replay", "a-1", "a-2", "a-3", "b-1")
	expectDrained(t, s, "afterwards")
	replays, err := s.Replays(t.Context())
	want := []outbox.ReplayStatus{
		{ID: 2, Subscription: "list", State: "done", Aggregates: 2, Events: 4, Progress: 1},
		{ID: 1, Subscription: "list", State: "done", Progress: 1},
	}
	if diff := cmp.Diff(want, replays, cmpopts.IgnoreFields(outbox.ReplayStatus{}, "Started", "Ended")); diff != "" || err != nil {
		t.Errorf("Replays() error = %v, differ (-want +got):\n%s", err, diff)
	}
	if _, err := s.StartReplay(t.Context(), outbox.Filter{Subscription: "none"}); err == nil {
		t.Error("StartReplay() for nobody: error = nil, want one")
	}
}

func TestReplay_Selects(t *testing.T) {
	s := open(t)
	for i := range int64(6) {
		one := event("a", i+1)
		one.Type, one.Time = []string{"created", "renamed"}[i%2], one.Time.Add(time.Duration(i)*time.Hour)
		appendEvents(t, s, one)
	}
	other := event("b", 1)
	other.Tenant = "other"
	appendEvents(t, s, other)
	drain(t, s)
	at := event("a", 1).Time
	for _, test := range []struct {
		filter outbox.Filter
		want   []string
	}{
		{outbox.Filter{Type: "renamed"}, []string{"^a-2", "^a-4", "^a-6"}},
		{outbox.Filter{Type: "created"}, []string{"a-1", "^a-3", "^a-5"}},
		{outbox.Filter{Tenant: "other"}, []string{"b-1"}},
		{outbox.Filter{Tenant: "acme", Since: at.Add(4 * time.Hour)}, []string{"^a-5", "a-6"}},
		{outbox.Filter{Until: at.Add(2 * time.Hour)}, []string{"a-1", "a-2", "b-1"}},
		{outbox.Filter{Type: "none"}, nil},
	} {
		startReplayOf(t, s, test.filter)
		if diff := cmp.Diff(test.want, drain(t, s)); diff != "" {
			t.Errorf("a replay of %+v differs (-want +got):\n%s", test.filter, diff)
		}
	}
	replays, err := s.Replays(t.Context())
	for _, replay := range replays {
		if replay.State != "done" || replay.Waiting != 0 || err != nil {
			t.Errorf("Replays() = %+v, %v, want all done", replay, err)
		}
	}
	// What the last replay left out precedes the next event.
	appendEvents(t, s, event("a", 7))
	expectDrained(t, s, "later", "^a-7")
}

func TestReplay_AfterRetention(t *testing.T) {
	s := open(t)
	old := func(id string, n int64) outbox.Event {
		event := event(id, n)
		event.Time = time.Now().Add(-time.Hour)
		return event
	}
	appendEvents(t, s, old("a", 1), old("a", 2), old("a", 3), old("b", 1), old("c", 1), old("c", 2))
	forgotten := func(age time.Duration) (all int64) {
		t.Helper()
		for next := int64(0); ; {
			var deleted int64
			var err error
			if next, deleted, err = s.Forget(t.Context(), age, next); err != nil {
				t.Fatalf("Forget() error = %v, want nil", err)
			}
			if all += deleted; next == 0 {
				return all
			}
		}
	}
	if got := forgotten(time.Minute); got != 0 {
		t.Errorf("Forget() before delivery = %d, want 0", got)
	}
	for range 3 {
		run, _ := claimOne(t, s, "list")
		if id := run.Events[0].AggregateID; id == "c" {
			save(t, s, "list", outbox.Outcome{Run: run, Reached: 1, Err: outbox.ErrRefused})
			continue
		}
		save(t, s, "list", outcomeOf(run, nil))
	}
	if got, err := s.DiscardEvents(t.Context(), outbox.Filter{ID: "c-2"}, "broken"); got != 1 || err != nil {
		t.Fatalf("DiscardEvents() = %d, %v, want 1, nil", got, err)
	}
	expectDrained(t, s, "after that", "c-2!")
	do(t, s.AddSubscription(t.Context(), "mail", true))
	if got := forgotten(time.Minute); got != 0 {
		t.Errorf("Forget() while another subscription has nothing = %d, want 0", got)
	}
	expectDrainedOf(t, s, "mail", "a-1", "a-2", "a-3", "b-1", "c-1", "c-2")
	if got := forgotten(2 * time.Hour); got != 0 {
		t.Errorf("Forget() of older events = %d, want 0", got)
	}
	// The last event of c is a tombstone without data, so both are kept.
	if got := forgotten(time.Minute); got != 2 {
		t.Errorf("Forget() = %d, want 2", got)
	}
	startReplayOf(t, s, outbox.Filter{})
	expectDrained(t, s, "by the replay", "^a-3", "b-1", "c-1", "c-2!")
	appendEvents(t, s, event("a", 4))
	expectDrained(t, s, "later", "a-4")
}

func TestReplay_DuringDelivery(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2))
	drain(t, s)
	appendEvents(t, s, event("a", 3))
	run, _ := claimOne(t, s, "list")
	startReplayOf(t, s, outbox.Filter{})
	expectDrained(t, s, "while the event is sent")
	save(t, s, "list", outcomeOf(run, nil))
	expectDrained(t, s, "after the event", "a-1", "a-2", "a-3")
	appendEvents(t, s, event("a", 4))
	expectDrained(t, s, "later", "a-4")
}

func TestReplay_LiveEventsComeFirst(t *testing.T) {
	s := open(t)
	for i := range 5 {
		appendEvents(t, s, event(fmt.Sprint(i), 1))
	}
	drain(t, s)
	startReplayOf(t, s, outbox.Filter{})
	if more, err := s.ContinueReplay(t.Context(), "list"); !more || err != nil {
		t.Fatalf("ContinueReplay() = %v, %v, want true, nil", more, err)
	}
	appendEvents(t, s, event("3", 2), event("new", 1))
	want := []string{"3-1", "3-2", "new-1"}
	if diff := cmp.Diff(want, append(ids(deliver(t, s, nil)), ids(deliver(t, s, nil))...), cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Errorf("delivered first differs (-want +got):\n%s", diff)
	}
	expectDrained(t, s, "then", "0-1", "1-1", "2-1", "4-1")
}

func TestReplay_Cancel(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2), event("b", 1))
	drain(t, s)
	id := startReplayOf(t, s, outbox.Filter{})
	run, _ := claimOne(t, s, "list")
	do(t, s.CancelReplay(t.Context(), id))
	save(t, s, "list", outcomeOf(run, nil))
	expectDrained(t, s, "after the end")
	appendEvents(t, s, event("b", 2))
	expectDrained(t, s, "later", "^b-2")
	if err := s.CancelReplay(t.Context(), id); err == nil {
		t.Error("CancelReplay() again: error = nil, want one")
	}
}

func TestReplay_DoesNotWaitForCommand(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("b", 1), event("c", 1))
	drain(t, s)
	tx, err := s.pool.Begin(t.Context())
	do(t, err, Append(t.Context(), tx, event("b", 2)))
	startReplayOf(t, s, outbox.Filter{})
	expectDrained(t, s, "during the command", "a-1")
	do(t, tx.Commit(t.Context()))
	expectDrained(t, s, "after the command", "b-2", "b-1", "b-2", "c-1")
}
