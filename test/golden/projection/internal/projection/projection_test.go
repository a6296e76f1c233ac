package projection

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/acme/app/primitives/projection/orders/internal/event"
	"github.com/acme/app/primitives/projection/orders/internal/model"
	"github.com/acme/app/primitives/projection/orders/internal/source"
)

// memory is Rows that remember what was put.
type memory struct {
	put []model.Order
	err error
}

func (m *memory) PutOrder(_ context.Context, it model.Order) error {
	m.put = append(m.put, it)
	return m.err
}

func created() event.Event {
	return event.Event{
		ID: "m1", Stream: event.Stream{Source: source.Source, Tenant: "acme", Subject: source.SubjectPrefix + "i1"}, Sequence: 1,
		Type: source.Created, Time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
		Data: []byte(`{"order":{"id":"i1","title":"First","version":"1","createTime":"2030-01-02T03:04:05Z"}}`),
	}
}

func TestApply(t *testing.T) {
	for _, known := range []string{source.Created, source.Renamed} {
		var rows memory
		told := created()
		told.Type = known
		if err := Apply(t.Context(), &rows, told); err != nil {
			t.Fatalf("Apply(%s) error = %v, want nil", known, err)
		}
		want := []model.Order{{Tenant: "acme", ID: "i1", Title: "First", Version: 1, Created: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}}
		if diff := cmp.Diff(want, rows.put); diff != "" {
			t.Errorf("rows of %s differ (-want +got):\n%s", known, diff)
		}
	}
}

func TestApplyLeavesUnknownTypes(t *testing.T) {
	var rows memory
	unknown := created()
	unknown.Type += "Elsewhere"
	if err := Apply(t.Context(), &rows, unknown); !errors.Is(err, event.ErrUnhandled) {
		t.Errorf("Apply() error = %v, want %v", err, event.ErrUnhandled)
	}
	if got := len(rows.put); got != 0 {
		t.Errorf("put %d rows, want none", got)
	}
}

func TestApplyRefusesMalformedData(t *testing.T) {
	for _, data := range []string{``, `[]`, `{"order":{"title":"without id"}}`} {
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
