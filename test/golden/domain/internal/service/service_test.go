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
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/acme/app/primitives/domain/orders/gen/acme/domain/orders/v1"
	"github.com/acme/app/primitives/domain/orders/internal/caller"
	"github.com/acme/app/primitives/domain/orders/internal/model"
	"github.com/acme/app/primitives/domain/orders/internal/outbox"
)

// memory is a Store that keeps everything in maps.
type memory struct {
	saved    map[[2]string]model.Order
	requests map[[2]string]string
	events   []outbox.Event
}

func newMemory(saved ...model.Order) *memory {
	m := &memory{saved: map[[2]string]model.Order{}, requests: map[[2]string]string{}}
	for _, it := range saved {
		m.saved[[2]string{it.Tenant, it.ID}] = it
	}
	return m
}

func (m *memory) CreateOrder(_ context.Context, requestID string, it model.Order, events ...outbox.Event) (model.Order, error) {
	if id, ok := m.requests[[2]string{it.Tenant, requestID}]; ok {
		return m.saved[[2]string{it.Tenant, id}], nil
	}
	m.requests[[2]string{it.Tenant, requestID}] = it.ID
	m.saved[[2]string{it.Tenant, it.ID}] = it
	m.events = append(m.events, events...)
	return it, nil
}

func (m *memory) GetOrder(_ context.Context, tenant, id string) (model.Order, error) {
	it, ok := m.saved[[2]string{tenant, id}]
	if !ok {
		return model.Order{}, model.ErrNotFound
	}
	return it, nil
}

func (m *memory) SaveOrder(_ context.Context, it model.Order, events ...outbox.Event) error {
	if m.saved[[2]string{it.Tenant, it.ID}].Version != it.Version-1 {
		return model.ErrConflict
	}
	m.saved[[2]string{it.Tenant, it.ID}] = it
	m.events = append(m.events, events...)
	return nil
}

const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func as(t *testing.T, tenant string) context.Context {
	return caller.With(t.Context(), caller.Caller{Tenant: tenant, Subject: "alice", TraceParent: trace, TraceState: "a=1"})
}

// first is one that is there already.
func first() model.Order {
	return model.Order{Tenant: "acme", ID: "i1", Title: "First", Version: 2, Created: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
}

// asked is how a call shows one.
func asked(it model.Order) *pb.Order {
	return &pb.Order{Id: it.ID, Title: it.Title, Version: it.Version, CreateTime: timestamppb.New(it.Created)}
}

// expectEvents compares all but id, time and data, which is JSON of told.
func expectEvents(t *testing.T, store *memory, id string, told map[string]*pb.Order) {
	t.Helper()
	var want []outbox.Event
	for name := range told {
		want = append(want, outbox.Event{
			Tenant: "acme", Type: "acme.domain.orders.v1." + name, AggregateType: "order", AggregateID: id,
			Actor: "alice", TraceParent: trace, TraceState: "a=1",
		})
	}
	if diff := cmp.Diff(want, store.events, cmpopts.IgnoreFields(outbox.Event{}, "ID", "Time", "Data")); diff != "" {
		t.Fatalf("events differ (-want +got):\n%s", diff)
	}
	for _, event := range store.events {
		// Events have the same form.
		got := new(pb.OrderCreated)
		if err := protojson.Unmarshal(event.Data, got); err != nil || event.ID == "" || !isKept(event.Time) {
			t.Fatalf("event %q at %v with data %q: error = %v, want an id, JSON and microseconds", event.ID, event.Time, event.Data, err)
		}
		name := event.Type[strings.LastIndex(event.Type, ".")+1:]
		if diff := cmp.Diff(told[name], got.GetOrder(), protocmp.Transform()); diff != "" {
			t.Errorf("data of %s differs (-want +got):\n%s", name, diff)
		}
	}
}

// isKept reports whether a time is just now, and no more exact than Postgres keeps it.
func isKept(at time.Time) bool {
	ago := time.Since(at)
	return at.Equal(at.Truncate(time.Microsecond)) && 0 <= ago && ago < time.Minute
}

func TestCreate(t *testing.T) {
	store := newMemory()
	got, err := New(store).CreateOrder(as(t, "acme"), &pb.CreateOrderRequest{RequestId: "r1", Title: "First"})
	if err != nil {
		t.Fatalf("CreateOrder() error = %v, want nil", err)
	}
	want := &pb.CreateOrderResponse{Order: &pb.Order{Title: "First", Version: 1}}
	if diff := cmp.Diff(want, got, protocmp.Transform(), protocmp.IgnoreFields(&pb.Order{}, "id", "create_time")); diff != "" {
		t.Errorf("CreateOrder() differs (-want +got):\n%s", diff)
	}
	if got := got.GetOrder().GetId(); got == "" {
		t.Error("id is empty, want one")
	}
	if got := got.GetOrder().GetCreateTime().AsTime(); !isKept(got) {
		t.Errorf("created at %v, want now in microseconds", got)
	}
	if got, want := len(store.saved), 1; got != want {
		t.Errorf("saved %d, want %d", got, want)
	}
}

func TestCreateTellsOfIt(t *testing.T) {
	store := newMemory()
	resp, err := New(store).CreateOrder(as(t, "acme"), &pb.CreateOrderRequest{RequestId: "r1", Title: "First"})
	if err != nil {
		t.Fatalf("CreateOrder() error = %v, want nil", err)
	}
	expectEvents(t, store, resp.GetOrder().GetId(), map[string]*pb.Order{"OrderCreated": resp.GetOrder()})
}

func TestCreateTwiceCreatesOnce(t *testing.T) {
	service := New(newMemory())
	first, err := service.CreateOrder(as(t, "acme"), &pb.CreateOrderRequest{RequestId: "r1", Title: "First"})
	if err != nil {
		t.Fatalf("CreateOrder() error = %v, want nil", err)
	}
	again, err := service.CreateOrder(as(t, "acme"), &pb.CreateOrderRequest{RequestId: "r1", Title: "First"})
	if err != nil {
		t.Fatalf("repeated CreateOrder() error = %v, want nil", err)
	}
	if diff := cmp.Diff(first, again, protocmp.Transform()); diff != "" {
		t.Errorf("repeated CreateOrder() differs (-first +again):\n%s", diff)
	}
}

func TestCreateRefusesWhatIsNotWhole(t *testing.T) {
	for _, req := range []*pb.CreateOrderRequest{
		{RequestId: "", Title: "First"},
		{RequestId: "r1", Title: ""},
		{RequestId: "r1", Title: " \t"},
		{RequestId: "r1", Title: "a\x00b"},
		{RequestId: "r1", Title: strings.Repeat("ä", 201)},
		{RequestId: "r\n1", Title: "First"},
		{RequestId: strings.Repeat("r", 201), Title: "First"},
	} {
		store := newMemory()
		_, err := New(store).CreateOrder(as(t, "acme"), req)
		if got, want := status.Code(err), codes.InvalidArgument; got != want {
			t.Errorf("CreateOrder(%v) code = %v, want %v; error = %v", req, got, want, err)
		}
		if got := len(store.saved) + len(store.events); got != 0 {
			t.Errorf("CreateOrder(%v) saved %d things, want none", req, got)
		}
	}
}

func TestGet(t *testing.T) {
	got, err := New(newMemory(first())).GetOrder(as(t, "acme"), &pb.GetOrderRequest{Id: "i1"})
	if err != nil {
		t.Fatalf("GetOrder() error = %v, want nil", err)
	}
	if diff := cmp.Diff(asked(first()), got.GetOrder(), protocmp.Transform()); diff != "" {
		t.Errorf("GetOrder() differs (-want +got):\n%s", diff)
	}
}

func TestGetOfAnotherTenantIsNotFound(t *testing.T) {
	_, err := New(newMemory(first())).GetOrder(as(t, "other"), &pb.GetOrderRequest{Id: "i1"})
	if got, want := status.Code(err), codes.NotFound; got != want {
		t.Errorf("GetOrder() code = %v, want %v; error = %v", got, want, err)
	}
}

func TestRename(t *testing.T) {
	store := newMemory(first())
	got, err := New(store).RenameOrder(as(t, "acme"), &pb.RenameOrderRequest{Id: "i1", Title: "Second", Version: 2})
	if err != nil {
		t.Fatalf("RenameOrder() error = %v, want nil", err)
	}
	want := first()
	want.Title, want.Version = "Second", 3
	if diff := cmp.Diff(asked(want), got.GetOrder(), protocmp.Transform()); diff != "" {
		t.Errorf("RenameOrder() differs (-want +got):\n%s", diff)
	}
	expectEvents(t, store, "i1", map[string]*pb.Order{"OrderRenamed": asked(want)})
}

func TestRenameRefuses(t *testing.T) {
	for _, test := range []struct {
		tenant string
		req    *pb.RenameOrderRequest
		want   codes.Code
	}{
		{"other", &pb.RenameOrderRequest{Id: "i1", Title: "Second"}, codes.NotFound},
		{"acme", &pb.RenameOrderRequest{Id: "i1", Title: "Second", Version: 1}, codes.Aborted},
		{"acme", &pb.RenameOrderRequest{Id: "i1", Title: " "}, codes.InvalidArgument},
	} {
		store := newMemory(first())
		_, err := New(store).RenameOrder(as(t, test.tenant), test.req)
		if got := status.Code(err); got != test.want || len(store.events) != 0 {
			t.Errorf("RenameOrder(%v) of %s: code = %v with %d events, want %v with none", test.req, test.tenant, got, len(store.events), test.want)
		}
	}
}
