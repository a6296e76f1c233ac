//go:build integration

package store

import (
	"context"
	"crypto/rand"
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

	"github.com/acme/app/primitives/projection/orders/internal/event"
	"github.com/acme/app/primitives/projection/orders/internal/ingest"
	"github.com/acme/app/primitives/projection/orders/internal/model"
	"github.com/acme/app/primitives/projection/orders/internal/projection"
	"github.com/acme/app/primitives/projection/orders/internal/source"
)

// open returns a store on a schema of its own, and the URL of that, at the database that TEST_POSTGRES_URL names.
func open(t *testing.T) (*Store, string) {
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
	return reopen(t, url), url
}

func reopen(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// created is the first event of a stream; nth are those after it.
func created(id string) event.Event { return nth(id, 1) }

func nth(id string, sequence int64) event.Event {
	return event.Event{
		ID: fmt.Sprintf("%s-%d", id, sequence), Sequence: sequence, Type: source.Renamed,
		Stream: event.Stream{Source: source.Source, Tenant: "acme", Subject: source.SubjectPrefix + id},
		Data: fmt.Appendf(nil, `{"order":{"id":%q,"title":"Title %d","version":"%d","createTime":"2030-01-02T03:04:05Z"}}`,
			id, sequence, sequence),
	}
}

func wanted(id string, sequence int64) model.Order {
	return model.Order{
		Tenant: "acme", ID: id, Title: fmt.Sprintf("Title %d", sequence), Version: sequence,
		Created: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func expectIngest(t *testing.T, i *Ingester, e event.Event, want ingest.Outcome, wantErr error) {
	t.Helper()
	got, err := i.Ingest(t.Context(), e)
	if got != want || !errors.Is(err, wantErr) {
		t.Fatalf("Ingest(%s) = %q, %v, want %q, %v", e.ID, got, err, want, wantErr)
	}
}

func expectRows(t *testing.T, s *Store, want ...model.Order) {
	t.Helper()
	got, err := s.ListOrders(t.Context(), "acme", "", 100)
	if err != nil {
		t.Fatalf("ListOrders() error = %v, want nil", err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
}

func TestDuplicateEventIsAppliedOnce(t *testing.T) {
	s, _ := open(t)
	i := &Ingester{Store: s, Apply: projection.Apply}
	expectIngest(t, i, created("a"), ingest.Applied, nil)
	expectIngest(t, i, created("a"), ingest.Duplicate, nil)
	expectRows(t, s, wanted("a", 1))
}

func TestOutOfOrderEventWaitsForTheOneBefore(t *testing.T) {
	s, _ := open(t)
	i := &Ingester{Store: s, Apply: projection.Apply}
	expectIngest(t, i, nth("a", 2), "", ingest.ErrGap)
	expectRows(t, s)
	expectIngest(t, i, created("a"), ingest.Applied, nil)
	expectIngest(t, i, nth("a", 3), "", ingest.ErrGap)
	expectIngest(t, i, nth("a", 2), ingest.Applied, nil)
	expectIngest(t, i, nth("a", 3), ingest.Applied, nil)
	expectIngest(t, i, nth("a", 2), ingest.Duplicate, nil)
	expectRows(t, s, wanted("a", 3))
}

func TestStreamBeginsWhereItsSourceDoes(t *testing.T) {
	s, _ := open(t)
	i := &Ingester{Store: s, Apply: put}
	first := nth("a", 5)
	first.First = true
	expectIngest(t, i, first, ingest.Applied, nil)
	expectIngest(t, i, first, ingest.Duplicate, nil)
	expectIngest(t, i, nth("a", 7), "", ingest.ErrGap)
	expectIngest(t, i, nth("a", 6), ingest.Applied, nil)
	expectRows(t, s, wanted("a", 6))
}

func TestRestartGoesOnWhereItStopped(t *testing.T) {
	s, url := open(t)
	expectIngest(t, &Ingester{Store: s, Apply: projection.Apply}, created("a"), ingest.Applied, nil)
	s.Close()
	again := reopen(t, url)
	i := &Ingester{Store: again, Apply: projection.Apply}
	expectIngest(t, i, created("a"), ingest.Duplicate, nil)
	expectIngest(t, i, nth("a", 2), ingest.Applied, nil)
	expectRows(t, again, wanted("a", 2))
}

// The rest is about the store alone, for any events.

func put(ctx context.Context, rows projection.Rows, e event.Event) error {
	return rows.PutOrder(ctx, wanted(strings.TrimPrefix(e.Stream.Subject, source.SubjectPrefix), e.Sequence))
}

func TestFailedEventLeavesNothing(t *testing.T) {
	s, _ := open(t)
	broken := errors.New("half-way")
	failing := func(ctx context.Context, rows projection.Rows, e event.Event) error {
		return errors.Join(put(ctx, rows, e), broken)
	}
	expectIngest(t, &Ingester{Store: s, Apply: failing}, created("a"), "", broken)
	expectRows(t, s)
	expectIngest(t, &Ingester{Store: s, Apply: put}, created("a"), ingest.Applied, nil)
	expectRows(t, s, wanted("a", 1))
}

func TestEventThatCannotBeKeptIsInvalid(t *testing.T) {
	s, _ := open(t)
	i := &Ingester{Store: s, Apply: put}
	// More than an index takes, however well it is compressed.
	var long strings.Builder
	for range 500 {
		long.WriteString(rand.Text())
	}
	for _, id := range []string{"a\x00", "a\xff", long.String()} {
		expectIngest(t, i, created(id), "", event.ErrInvalid)
	}
	expectRows(t, s)
}

func TestPermanentViolationsAreInvalid(t *testing.T) {
	s, _ := open(t)
	_, err := s.pool.Exec(t.Context(), `
		CREATE TABLE others (id text PRIMARY KEY, n int NOT NULL CHECK (n > 0), parent text REFERENCES others)`)
	if err != nil {
		t.Fatal(err)
	}
	for statement, permanent := range map[string]bool{
		`INSERT INTO others VALUES ('a', 0)`:            true,
		`INSERT INTO others VALUES ('a', NULL)`:         true,
		`INSERT INTO others VALUES ('a', 1), ('a', 1)`:  true,
		`INSERT INTO others VALUES ('a', 1, 'missing')`: false,
	} {
		violating := func(ctx context.Context, r projection.Rows, _ event.Event) error {
			_, err := r.(rows).tx.Exec(ctx, statement)
			return err
		}
		_, err := (&Ingester{Store: s, Apply: violating}).Ingest(t.Context(), created("a"))
		if err == nil || errors.Is(err, event.ErrInvalid) != permanent {
			t.Errorf("%s: error = %v, want one that is permanent: %v", statement, err, permanent)
		}
	}
}

func TestStreamGoesOnAfterIgnoredAndSkippedEvents(t *testing.T) {
	s, _ := open(t)
	unhandled := func(context.Context, projection.Rows, event.Event) error {
		return fmt.Errorf("t: %w", event.ErrUnhandled)
	}
	expectIngest(t, &Ingester{Store: s, Apply: unhandled}, created("a"), ingest.Ignored, nil)
	tombstone := nth("a", 2)
	tombstone.Type, tombstone.Data = event.Tombstone, nil
	i := &Ingester{Store: s, Apply: put}
	expectIngest(t, i, tombstone, ingest.Skipped, nil)
	expectRows(t, s)
	expectIngest(t, i, nth("a", 3), ingest.Applied, nil)
	expectRows(t, s, wanted("a", 3))
}

func TestStreamsAreIndependent(t *testing.T) {
	s, _ := open(t)
	i := &Ingester{Store: s, Apply: put}
	expectIngest(t, i, created("a"), ingest.Applied, nil)
	expectIngest(t, i, created("b"), ingest.Applied, nil)
	other := created("a")
	other.Stream.Source = "/domain/others"
	expectIngest(t, i, other, ingest.Applied, nil)
	expectIngest(t, i, nth("a", 2), ingest.Applied, nil)
	expectRows(t, s, wanted("a", 2), wanted("b", 1))
}

func TestConcurrentDuplicatesApplyOnce(t *testing.T) {
	s, _ := open(t)
	i := &Ingester{Store: s, Apply: put}
	var mutex sync.Mutex
	got := map[ingest.Outcome]int{}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			outcome, err := i.Ingest(t.Context(), created("a"))
			if err != nil {
				t.Errorf("Ingest() error = %v, want nil", err)
			}
			mutex.Lock()
			defer mutex.Unlock()
			got[outcome]++
		})
	}
	group.Wait()
	if diff := cmp.Diff(map[ingest.Outcome]int{ingest.Applied: 1, ingest.Duplicate: 7}, got); diff != "" {
		t.Errorf("outcomes differ (-want +got):\n%s", diff)
	}
}

func TestRowsComeInPages(t *testing.T) {
	s, _ := open(t)
	i := &Ingester{Store: s, Apply: put}
	for _, id := range []string{"b", "a", "B"} {
		expectIngest(t, i, created(id), ingest.Applied, nil)
	}
	got, err := s.ListOrders(t.Context(), "acme", "B", 1)
	if err != nil {
		t.Fatalf("ListOrders() error = %v, want nil", err)
	}
	if diff := cmp.Diff([]model.Order{wanted("a", 1)}, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
	if _, err := s.GetOrder(t.Context(), "other", "a"); !errors.Is(err, model.ErrNotFound) {
		t.Errorf("GetOrder() of another tenant: error = %v, want %v", err, model.ErrNotFound)
	}
}

func TestReadyNeedsDatabase(t *testing.T) {
	s, _ := open(t)
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready() error = %v, want nil", err)
	}
	if _, err := s.pool.Exec(t.Context(), `UPDATE goose_db_version SET version_id = 0`); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err == nil {
		t.Error("Ready() on an old schema: error = nil, want one")
	}
	if err := reopen(t, "postgres://127.0.0.1:1/none?connect_timeout=1").Ready(t.Context()); err == nil {
		t.Error("Ready() without a database: error = nil, want one")
	}
}
