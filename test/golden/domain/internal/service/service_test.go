package service

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/acme/app/primitives/domain/orders/internal/caller"
	pb "github.com/acme/app/primitives/domain/orders/internal/gen/acme/domain/orders/v1"
	"github.com/acme/app/primitives/domain/orders/internal/item"
	"github.com/acme/app/primitives/domain/orders/internal/outbox"
)

// memory is a Store that keeps everything in maps.
type memory struct {
	items    map[[2]string]item.Item
	requests map[[2]string]string
	events   []outbox.Event
}

func newMemory() *memory {
	return &memory{items: map[[2]string]item.Item{}, requests: map[[2]string]string{}}
}

func (m *memory) CreateItem(_ context.Context, requestID string, it item.Item, event outbox.Event) (item.Item, error) {
	if id, ok := m.requests[[2]string{it.Tenant, requestID}]; ok {
		return m.items[[2]string{it.Tenant, id}], nil
	}
	m.requests[[2]string{it.Tenant, requestID}] = it.ID
	m.items[[2]string{it.Tenant, it.ID}] = it
	m.events = append(m.events, event)
	return it, nil
}

func (m *memory) Item(_ context.Context, tenant, id string) (item.Item, error) {
	it, ok := m.items[[2]string{tenant, id}]
	if !ok {
		return item.Item{}, item.ErrNotFound
	}
	return it, nil
}

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func as(t *testing.T, tenant string) context.Context {
	return caller.With(t.Context(), caller.Caller{Tenant: tenant, TraceParent: trace, TraceState: "a=1"})
}

func TestCreateItem(t *testing.T) {
	store := newMemory()
	got, err := New(store).CreateItem(as(t, "acme"), &pb.CreateItemRequest{RequestId: "r1", Title: "First"})
	if err != nil {
		t.Fatalf("CreateItem() error = %v, want nil", err)
	}
	want := &pb.CreateItemResponse{Item: &pb.Item{Title: "First", Version: 1}}
	if diff := cmp.Diff(want, got, protocmp.Transform(), protocmp.IgnoreFields(&pb.Item{}, "id", "create_time")); diff != "" {
		t.Errorf("CreateItem() differs (-want +got):\n%s", diff)
	}
	if got := got.GetItem().GetId(); got == "" {
		t.Error("id is empty, want one")
	}
	if got := time.Since(got.GetItem().GetCreateTime().AsTime()); got < 0 || got > time.Minute {
		t.Errorf("created %v ago, want just now", got)
	}
	if got, want := len(store.items), 1; got != want {
		t.Errorf("saved %d items, want %d", got, want)
	}
}

func TestCreateItemTellsOfIt(t *testing.T) {
	store := newMemory()
	resp, err := New(store).CreateItem(as(t, "acme"), &pb.CreateItemRequest{RequestId: "r1", Title: "First"})
	if err != nil {
		t.Fatalf("CreateItem() error = %v, want nil", err)
	}
	want := []outbox.Event{{
		Tenant: "acme", Type: "acme.domain.orders.v1.ItemCreated",
		AggregateType: "item", AggregateID: resp.GetItem().GetId(), Version: 1,
		Time: resp.GetItem().GetCreateTime().AsTime(), TraceParent: trace, TraceState: "a=1",
	}}
	if diff := cmp.Diff(want, store.events, cmpopts.IgnoreFields(outbox.Event{}, "ID", "Data")); diff != "" {
		t.Fatalf("events differ (-want +got):\n%s", diff)
	}
	if got := store.events[0].ID; got == "" {
		t.Error("message id is empty, want one")
	}
	got := new(pb.ItemCreated)
	if err := protojson.Unmarshal(store.events[0].Data, got); err != nil {
		t.Fatalf("data %q: error = %v, want JSON of ItemCreated", store.events[0].Data, err)
	}
	if diff := cmp.Diff(&pb.ItemCreated{Item: resp.GetItem()}, got, protocmp.Transform()); diff != "" {
		t.Errorf("data differs (-want +got):\n%s", diff)
	}
}

func TestCreateItemTwiceCreatesOnce(t *testing.T) {
	store := newMemory()
	service := New(store)
	first, err := service.CreateItem(as(t, "acme"), &pb.CreateItemRequest{RequestId: "r1", Title: "First"})
	if err != nil {
		t.Fatalf("CreateItem() error = %v, want nil", err)
	}
	again, err := service.CreateItem(as(t, "acme"), &pb.CreateItemRequest{RequestId: "r1", Title: "First"})
	if err != nil {
		t.Fatalf("repeated CreateItem() error = %v, want nil", err)
	}
	if diff := cmp.Diff(first, again, protocmp.Transform()); diff != "" {
		t.Errorf("repeated CreateItem() differs (-first +again):\n%s", diff)
	}
}

func TestCreateItemRefusesWhatIsNotWhole(t *testing.T) {
	for _, req := range []*pb.CreateItemRequest{
		{RequestId: "", Title: "First"},
		{RequestId: "r1", Title: ""},
		{RequestId: "r1", Title: " \t"},
		{RequestId: "r1", Title: "a\x00b"},
		{RequestId: "r1", Title: strings.Repeat("ä", 201)},
		{RequestId: "r\n1", Title: "First"},
		{RequestId: strings.Repeat("r", 201), Title: "First"},
	} {
		store := newMemory()
		_, err := New(store).CreateItem(as(t, "acme"), req)
		if got, want := status.Code(err), codes.InvalidArgument; got != want {
			t.Errorf("CreateItem(%v) code = %v, want %v; error = %v", req, got, want, err)
		}
		if got := len(store.items) + len(store.events); got != 0 {
			t.Errorf("CreateItem(%v) saved %d things, want none", req, got)
		}
	}
}

func TestGetItem(t *testing.T) {
	store := newMemory()
	created := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	store.items[[2]string{"acme", "i1"}] = item.Item{Tenant: "acme", ID: "i1", Title: "First", Version: 2, Created: created}
	got, err := New(store).GetItem(as(t, "acme"), &pb.GetItemRequest{Id: "i1"})
	if err != nil {
		t.Fatalf("GetItem() error = %v, want nil", err)
	}
	want := &pb.Item{Id: "i1", Title: "First", Version: 2}
	if diff := cmp.Diff(want, got.GetItem(), protocmp.Transform(), protocmp.IgnoreFields(&pb.Item{}, "create_time")); diff != "" {
		t.Errorf("GetItem() differs (-want +got):\n%s", diff)
	}
	if got := got.GetItem().GetCreateTime().AsTime(); !got.Equal(created) {
		t.Errorf("create_time = %v, want %v", got, created)
	}
}

func TestGetItemOfAnotherTenantIsNotFound(t *testing.T) {
	store := newMemory()
	store.items[[2]string{"acme", "i1"}] = item.Item{Tenant: "acme", ID: "i1"}
	_, err := New(store).GetItem(as(t, "other"), &pb.GetItemRequest{Id: "i1"})
	if got, want := status.Code(err), codes.NotFound; got != want {
		t.Errorf("GetItem() code = %v, want %v; error = %v", got, want, err)
	}
}
