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

func event(id string, version int64) outbox.Event {
	return outbox.Event{
		ID: fmt.Sprintf("%s-%d", id, version), Tenant: "acme", Type: "test.Happened",
		AggregateType: "thing", AggregateID: id, Version: version, Time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", TraceState: "a=1", Data: []byte(`{"a": 1}`),
	}
}

func appendEvents(t *testing.T, s *Store, events ...outbox.Event) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		for _, event := range events {
			if err := AppendEvent(t.Context(), tx, event); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("AppendEvent() error = %v, want nil", err)
	}
}

// drain delivers what is due, with several dispatchers at once, and returns it in the order of delivery.
func drain(t *testing.T, s *Store) []outbox.Event {
	t.Helper()
	var mutex sync.Mutex
	var delivered []outbox.Event
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 100 {
				found, err := s.Deliver(t.Context(), func(_ context.Context, event outbox.Event) error {
					mutex.Lock()
					defer mutex.Unlock()
					delivered = append(delivered, event)
					return nil
				})
				if err != nil {
					t.Errorf("Deliver() error = %v, want nil", err)
				}
				if !found {
					return
				}
			}
		})
	}
	group.Wait()
	return delivered
}

func TestOutboxKeepsWholeEvent(t *testing.T) {
	s := open(t)
	want := []outbox.Event{event("a", 1)}
	appendEvents(t, s, want...)
	if diff := cmp.Diff(want, drain(t, s), cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("delivered differs (-want +got):\n%s", diff)
	}
	if again := drain(t, s); len(again) != 0 {
		t.Errorf("delivered again: %v, want nothing", again)
	}
}

func TestOutboxForgetsEventOfFailedTransaction(t *testing.T) {
	s := open(t)
	broken := errors.New("change failed")
	err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		return errors.Join(AppendEvent(t.Context(), tx, event("a", 1)), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("transaction: error = %v, want %v", err, broken)
	}
	if got := drain(t, s); len(got) != 0 {
		t.Errorf("delivered %v, want nothing", got)
	}
}

func TestOutboxDeliversOnceInOrderOfAggregate(t *testing.T) {
	s := open(t)
	const aggregates, versions = 5, 6
	for version := range int64(versions) {
		for id := range aggregates {
			appendEvents(t, s, event(fmt.Sprint(id), version+1))
		}
	}
	// A dispatcher stops when all that is due is in the hands of others, so that one round may leave some.
	got := map[string][]int64{}
	for range versions {
		for _, event := range drain(t, s) {
			got[event.AggregateID] = append(got[event.AggregateID], event.Version)
		}
	}
	for id := range aggregates {
		if diff := cmp.Diff([]int64{1, 2, 3, 4, 5, 6}, got[fmt.Sprint(id)]); diff != "" {
			t.Errorf("versions of %d differ (-want +got):\n%s", id, diff)
		}
	}
}

func TestOutboxPutsOffWhatFailed(t *testing.T) {
	s := open(t)
	appendEvents(t, s, event("a", 1), event("a", 2), event("b", 1))
	// With bytes that are no text.
	down := errors.New("consumer is down \x00\xff")
	found, err := s.Deliver(t.Context(), func(context.Context, outbox.Event) error { return down })
	if !found || !errors.Is(err, down) {
		t.Errorf("Deliver() = %v, %v, want true, %v", found, err, down)
	}
	var due time.Time
	// Keeps it from being due again while this test takes its time.
	err = s.pool.QueryRow(t.Context(), `
		UPDATE outbox SET next_attempt_at = next_attempt_at + interval '1 hour'
		WHERE message_id = 'a-1' AND attempts = 1 AND last_error = 'event a-1: consumer is down ??'
		RETURNING next_attempt_at`).Scan(&due)
	if err != nil || time.Until(due) < time.Hour-time.Minute {
		t.Errorf("next attempt at %v, %v, want it put off", due, err)
	}
	var got []string
	for _, event := range drain(t, s) {
		got = append(got, event.ID)
	}
	if diff := cmp.Diff([]string{"b-1"}, got); diff != "" {
		t.Errorf("delivered meanwhile differs (-want +got):\n%s", diff)
	}
	if _, err := s.pool.Exec(t.Context(), `UPDATE outbox SET next_attempt_at = now() WHERE attempts = 1`); err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, event := range drain(t, s) {
		got = append(got, event.ID)
	}
	if diff := cmp.Diff([]string{"a-1", "a-2"}, got); diff != "" {
		t.Errorf("delivered afterwards differs (-want +got):\n%s", diff)
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
