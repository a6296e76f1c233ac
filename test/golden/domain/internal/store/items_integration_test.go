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

	"github.com/acme/app/primitives/domain/orders/internal/item"
)

func TestCreateItemSavesItemAndEvent(t *testing.T) {
	s := open(t)
	want := item.Item{Tenant: "acme", ID: "i1", Title: "First", Version: 1, Created: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	if _, err := s.CreateItem(t.Context(), "r1", want, event("i1", 1)); err != nil {
		t.Fatalf("CreateItem() error = %v, want nil", err)
	}
	got, err := s.Item(t.Context(), "acme", "i1")
	if err != nil {
		t.Fatalf("Item() error = %v, want nil", err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("Item() differs (-want +got):\n%s", diff)
	}
	if got, want := len(drain(t, s)), 1; got != want {
		t.Errorf("delivered %d events, want %d", got, want)
	}
}

func TestCreateItemIsIdempotent(t *testing.T) {
	s := open(t)
	first := item.Item{Tenant: "acme", ID: "i1", Title: "First", Version: 1, Created: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
	second := first
	second.ID = "i2"
	if _, err := s.CreateItem(t.Context(), "r1", first, event("i1", 1)); err != nil {
		t.Fatalf("CreateItem() error = %v, want nil", err)
	}
	got, err := s.CreateItem(t.Context(), "r1", second, event("i2", 1))
	if err != nil {
		t.Fatalf("repeated CreateItem() error = %v, want nil", err)
	}
	if diff := cmp.Diff(first, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("repeated CreateItem() differs (-want +got):\n%s", diff)
	}
	if got, want := len(drain(t, s)), 1; got != want {
		t.Errorf("delivered %d events, want %d", got, want)
	}
}

func TestConcurrentRequestsCreateOneItem(t *testing.T) {
	s := open(t)
	var group sync.WaitGroup
	got := make([]item.Item, 8)
	for i := range got {
		group.Go(func() {
			id := fmt.Sprint(i)
			it := item.Item{Tenant: "acme", ID: id, Title: "First", Version: 1, Created: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
			var err error
			if got[i], err = s.CreateItem(t.Context(), "r1", it, event(id, 1)); err != nil {
				t.Errorf("CreateItem() error = %v, want nil", err)
			}
		})
	}
	group.Wait()
	for _, it := range got {
		if it.ID != got[0].ID || it.ID == "" {
			t.Errorf("CreateItem() = item %q, want %q as for the others", it.ID, got[0].ID)
		}
	}
	if got, want := len(drain(t, s)), 1; got != want {
		t.Errorf("delivered %d events, want %d", got, want)
	}
}

func TestCreateItemOfTwoTenantsMayShareRequestID(t *testing.T) {
	s := open(t)
	for _, tenant := range []string{"acme", "other"} {
		it := item.Item{Tenant: tenant, ID: "i1", Title: "First", Version: 1, Created: time.Now()}
		told := event("i1", 1)
		told.ID, told.Tenant = tenant, tenant
		if _, err := s.CreateItem(t.Context(), "r1", it, told); err != nil {
			t.Errorf("CreateItem() of %s: error = %v, want nil", tenant, err)
		}
	}
}

func TestItemOfAnotherTenantIsNotFound(t *testing.T) {
	_, err := open(t).Item(t.Context(), "acme", "i1")
	if !errors.Is(err, item.ErrNotFound) {
		t.Errorf("Item() error = %v, want %v", err, item.ErrNotFound)
	}
}
