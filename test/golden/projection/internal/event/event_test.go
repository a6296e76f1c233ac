package event

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/acme/app/primitives/projection/orders/internal/caller"
)

const valid = `{
	"specversion": "1.0", "id": "m1", "source": "/domain/items", "type": "acme.ItemCreated", "subject": "item/i1",
	"time": "2030-01-02T03:04:05Z", "tenant": "acme", "sequence": "3", "authtype": "user", "authid": "alice",
	"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "data": {"a":1}
}`

func TestDecode(t *testing.T) {
	got, err := Decode([]byte(valid))
	if err != nil {
		t.Fatalf("Decode() error = %v, want nil", err)
	}
	want := Event{
		ID: "m1", Stream: Stream{Source: "/domain/items", Tenant: "acme", Subject: "item/i1"}, Sequence: 3,
		Type: "acme.ItemCreated", Time: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), Data: []byte(`{"a":1}`),
		Caller: caller.Caller{Tenant: "acme", Subject: "alice", TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Decode() differs (-want +got):\n%s", diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{valid, `[`, "invalid event"},
		{valid, `null`, "specversion"},
		{`"1.0"`, `"0.3"`, "specversion"},
		{`"id": "m1"`, `"id": ""`, "id is missing"},
		{`"tenant": "acme"`, `"tenant": ""`, "tenant is missing"},
		{`"sequence": "3"`, `"sequence": "0"`, "sequence"},
		{`"sequence": "3"`, `"sequence": "3.5"`, "sequence"},
		{`"sequence": "3"`, `"sequence": "99999999999999999999"`, "sequence"},
	} {
		body := strings.Replace(valid, test.old, test.new, 1)
		_, err := Decode([]byte(body))
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Decode(%s) error = %v, want an invalid event for its %q", body, err, test.want)
		}
	}
}
