//go:build integration

package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/acme/app/primitives/domain/orders/internal/model"
)

func first(tenant, id string) model.Order {
	return model.Order{Tenant: tenant, ID: id, Title: "First", Version: 1, Created: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func expectSaved(t *testing.T, s *Store, want model.Order) {
	t.Helper()
	got, err := s.GetOrder(t.Context(), want.Tenant, want.ID)
	if err != nil {
		t.Fatalf("GetOrder() error = %v, want nil", err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("GetOrder() differs (-want +got):\n%s", diff)
	}
}

func TestCreateSavesStateAndEvents(t *testing.T) {
	s := open(t)
	want := first("acme", "i1")
	if _, err := s.CreateOrder(t.Context(), "r1", want, event("i1", 1), event("i1", 2)); err != nil {
		t.Fatalf("CreateOrder() error = %v, want nil", err)
	}
	expectSaved(t, s, want)
	if diff := cmp.Diff([]string{"i1-1", "i1-2"}, drain(t, s)); diff != "" {
		t.Errorf("delivered differs (-want +got):\n%s", diff)
	}
}

func TestCreateIsIdempotent(t *testing.T) {
	s := open(t)
	want := first("acme", "i1")
	if _, err := s.CreateOrder(t.Context(), "r1", want, event("i1", 1)); err != nil {
		t.Fatalf("CreateOrder() error = %v, want nil", err)
	}
	got, err := s.CreateOrder(t.Context(), "r1", first("acme", "i2"), event("i2", 1))
	if err != nil {
		t.Fatalf("repeated CreateOrder() error = %v, want nil", err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("repeated CreateOrder() differs (-want +got):\n%s", diff)
	}
	if got, want := len(drain(t, s)), 1; got != want {
		t.Errorf("delivered %d events, want %d", got, want)
	}
}

func TestConcurrentRequestsCreateOnce(t *testing.T) {
	s := open(t)
	var group sync.WaitGroup
	var ids [8]string
	var failures [8]error
	for i := range ids {
		group.Go(func() {
			id := fmt.Sprint(i)
			it, err := s.CreateOrder(t.Context(), "r1", first("acme", id), event(id, 1))
			ids[i], failures[i] = it.ID, err
		})
	}
	group.Wait()
	if err := errors.Join(failures[:]...); err != nil {
		t.Fatalf("CreateOrder() error = %v, want nil", err)
	}
	for _, id := range ids {
		if id != ids[0] {
			t.Errorf("CreateOrder() returned %q, want %q as for the others", id, ids[0])
		}
	}
	if got, want := len(drain(t, s)), 1; got != want {
		t.Errorf("delivered %d events, want %d", got, want)
	}
}

func TestTenantsMayShareRequestID(t *testing.T) {
	s := open(t)
	for _, tenant := range []string{"acme", "other"} {
		told := event("i1", 1)
		told.ID, told.Tenant = tenant, tenant
		if _, err := s.CreateOrder(t.Context(), "r1", first(tenant, "i1"), told); err != nil {
			t.Errorf("CreateOrder() of %s: error = %v, want nil", tenant, err)
		}
	}
}

func TestSaveIsForVersionBefore(t *testing.T) {
	s := open(t)
	it := first("acme", "i1")
	if _, err := s.CreateOrder(t.Context(), "r1", it, event("i1", 1)); err != nil {
		t.Fatalf("CreateOrder() error = %v, want nil", err)
	}
	it.Version, it.Title = 2, "Second"
	if err := s.SaveOrder(t.Context(), it, event("i1", 2), event("i1", 3)); err != nil {
		t.Fatalf("SaveOrder() error = %v, want nil", err)
	}
	stale := it
	stale.Title = "Third"
	if err := s.SaveOrder(t.Context(), stale, event("i1", 4)); !errors.Is(err, model.ErrConflict) {
		t.Errorf("SaveOrder() of the same version: error = %v, want %v", err, model.ErrConflict)
	}
	expectSaved(t, s, it)
	if diff := cmp.Diff([]string{"i1-1", "i1-2", "i1-3"}, drain(t, s)); diff != "" {
		t.Errorf("delivered differs (-want +got):\n%s", diff)
	}
}

func TestOtherTenantsAreNotFound(t *testing.T) {
	_, err := open(t).GetOrder(t.Context(), "acme", "i1")
	if !errors.Is(err, model.ErrNotFound) {
		t.Errorf("GetOrder() error = %v, want %v", err, model.ErrNotFound)
	}
}
