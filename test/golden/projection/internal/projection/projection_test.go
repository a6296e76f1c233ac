package projection

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/acme/app/primitives/projection/orders/internal/event"
	"github.com/acme/app/primitives/projection/orders/internal/item"
)

// memory is Rows that remember what was put.
type memory struct {
	put []item.Item
	err error
}

func (m *memory) PutItem(_ context.Context, it item.Item) error {
	m.put = append(m.put, it)
	return m.err
}

func created() event.Event {
	return event.Event{
		ID: "m1", Stream: event.Stream{Source: "/domain/items", Tenant: "acme", Subject: "item/i1"}, Sequence: 1,
		Type: "acme.domain.items.v1.ItemCreated", Time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
		Data: []byte(`{"item":{"id":"i1","title":"First","version":"1","createTime":"2030-01-02T03:04:05Z"}}`),
	}
}

func TestApplyItemCreated(t *testing.T) {
	var rows memory
	if err := Apply(t.Context(), &rows, created()); err != nil {
		t.Fatalf("Apply() error = %v, want nil", err)
	}
	want := []item.Item{{Tenant: "acme", ID: "i1", Title: "First", Version: 1, Created: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}}
	if diff := cmp.Diff(want, rows.put); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
}

func TestApplyIgnoresUnknownTypes(t *testing.T) {
	var rows memory
	unknown := created()
	unknown.Type = "acme.domain.items.v1.ItemPainted"
	if err := Apply(t.Context(), &rows, unknown); err != nil {
		t.Errorf("Apply() error = %v, want nil", err)
	}
	if got := len(rows.put); got != 0 {
		t.Errorf("put %d rows, want none", got)
	}
}

func TestApplyRefusesMalformedData(t *testing.T) {
	for _, data := range []string{``, `[]`, `{"item":{"title":"without id"}}`} {
		malformed := created()
		malformed.Data = []byte(data)
		if err := Apply(t.Context(), new(memory), malformed); !errors.Is(err, event.ErrInvalid) {
			t.Errorf("Apply(%s) error = %v, want %v", data, err, event.ErrInvalid)
		}
	}
}

func TestApplyFailsWithItsRows(t *testing.T) {
	rows := &memory{err: errors.New("disk full")}
	if err := Apply(t.Context(), rows, created()); !errors.Is(err, rows.err) {
		t.Errorf("Apply() error = %v, want %v", err, rows.err)
	}
}
