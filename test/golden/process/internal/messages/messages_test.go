package messages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/acme/app/primitives/process/orders/internal/caller"
	"github.com/acme/app/primitives/process/orders/internal/engine"
	"github.com/acme/app/primitives/process/orders/internal/engine/enginetest"
	"github.com/acme/app/primitives/process/orders/internal/gen/model"
)

var known = []model.Message{{Name: "order/paid", CorrelationKeys: []string{"=order"}}, {Name: "ordered"}}

// broken is a Publisher that always fails.
type broken struct{ err error }

func (b broken) Publish(context.Context, engine.Message) error { return b.err }

func post(publisher Publisher, name, body string) int {
	return send(publisher, name, strings.NewReader(body))
}

func send(publisher Publisher, name string, body io.Reader) int {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/messages/{name}", Handler(slog.New(slog.DiscardHandler), publisher, Settings{TTL: time.Hour}, known))
	recorder := httptest.NewRecorder()
	mux.ServeHTTP(recorder, request(name, body))
	return recorder.Code
}

func request(name string, body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/messages/"+name, body)
	r.Header.Set("Tenant-Id", "acme")
	r.Header.Set("Subject-Id", "alice")
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	return r
}

func TestMessagesArePublishedOnce(t *testing.T) {
	memory := enginetest.New()
	for range 2 {
		body := `{"messageId":"m1","correlationKey":"o1","variables":{"by":"card","amount":9007199254740993}}`
		if got, want := post(memory, "order%2Fpaid", body), http.StatusNoContent; got != want {
			t.Errorf("status = %d, want %d", got, want)
		}
	}
	body := `{"messageId":"m2","variables":{"caller":{"tenant":"other"}}}`
	if got, want := post(memory, "ordered", body), http.StatusNoContent; got != want {
		t.Errorf("status of a message that starts a process = %d, want %d", got, want)
	}
	want := []engine.Message{
		{Name: "order/paid", CorrelationKey: "o1", ID: "m1", TTL: time.Hour, Variables: engine.Variables{
			"by": "card", "amount": json.Number("9007199254740993"),
		}},
		{Name: "ordered", ID: "m2", TTL: time.Hour, Variables: engine.Variables{"caller": caller.Caller{
			Tenant: "acme", Subject: "alice", TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		}}},
	}
	if diff := cmp.Diff(want, memory.Published()); diff != "" {
		t.Errorf("messages differ (-want +got):\n%s", diff)
	}
}

func TestMessagesAreOfTheirTenant(t *testing.T) {
	memory := enginetest.New()
	for _, test := range []struct {
		tenants []string
		want    int
	}{
		{[]string{"other", "acme"}, http.StatusNoContent},
		{[]string{"other"}, http.StatusForbidden},
	} {
		mux := http.NewServeMux()
		mux.Handle("POST /v1/messages/{name}", Handler(slog.New(slog.DiscardHandler), memory, Settings{Tenants: test.tenants}, known))
		recorder := httptest.NewRecorder()
		mux.ServeHTTP(recorder, request("ordered", strings.NewReader(`{"messageId":"m1"}`)))
		if got := recorder.Code; got != test.want {
			t.Errorf("status with the tenants %q = %d, want %d", test.tenants, got, test.want)
		}
	}
	if got := memory.Published(); len(got) != 1 || got[0].Tenant != "acme" {
		t.Errorf("published %v, want one message of the tenant acme", got)
	}
}

func TestMessagesThatStartNameOneCaller(t *testing.T) {
	for _, test := range []struct {
		header string
		values []string
	}{
		{"Tenant-Id", nil},
		{"Tenant-Id", []string{""}},
		{"Tenant-Id", []string{"acme", "other"}},
		{"Tenant-Id", []string{"ac me"}},
		{"Subject-Id", []string{"al ice"}},
	} {
		memory := enginetest.New()
		r := request("ordered", strings.NewReader(`{"messageId":"m1"}`))
		r.Header[test.header] = test.values
		r.SetPathValue("name", "ordered")
		recorder := httptest.NewRecorder()
		Handler(slog.New(slog.DiscardHandler), memory, Settings{}, known).ServeHTTP(recorder, r)
		if got, want := recorder.Code, http.StatusBadRequest; got != want || len(memory.Published()) > 0 {
			t.Errorf("%s %q: status = %d, want %d; published %v, want nothing", test.header, test.values, got, want, memory.Published())
		}
	}
}

func TestMessagesThatStartCarryTheirTrace(t *testing.T) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, test := range []struct {
		parent, wantParent string
		states             []string
		wantState          string
	}{
		{trace, trace, []string{"a=1", "b=2"}, "a=1,b=2"},
		{trace, trace, []string{strings.Repeat("a", 513)}, ""},
		{"00-secret-text-01", "", []string{"a=1"}, ""},
	} {
		memory := enginetest.New()
		r := request("ordered", strings.NewReader(`{"messageId":"m1"}`))
		r.Header.Set("Traceparent", test.parent)
		r.Header["Tracestate"] = test.states
		r.SetPathValue("name", "ordered")
		Handler(slog.New(slog.DiscardHandler), memory, Settings{}, known).ServeHTTP(httptest.NewRecorder(), r)
		want := caller.Caller{Tenant: "acme", Subject: "alice", TraceParent: test.wantParent, TraceState: test.wantState}
		if diff := cmp.Diff(want, memory.Published()[0].Variables["caller"]); diff != "" {
			t.Errorf("%q %.20q: caller differs (-want +got):\n%s", test.parent, test.states, diff)
		}
	}
}

func TestMessagesAreRefused(t *testing.T) {
	refused := broken{fmt.Errorf("too long: %w", engine.ErrRefused)}
	for _, test := range []struct {
		publisher  Publisher
		name, body string
		want       int
	}{
		{enginetest.New(), "unknown", `{"messageId":"m1","correlationKey":"o1"}`, http.StatusNotFound},
		{enginetest.New(), "order%2Fpaid", `{"messageId":"m1"}`, http.StatusBadRequest},
		{enginetest.New(), "order%2Fpaid", `{"correlationKey":"o1"}`, http.StatusBadRequest},
		{enginetest.New(), "ordered", `{}`, http.StatusBadRequest},
		{enginetest.New(), "ordered", ``, http.StatusBadRequest},
		{enginetest.New(), "ordered", `{"messageId":"m1","variables":[]}`, http.StatusBadRequest},
		{enginetest.New(), "ordered", `{"messageId":"m1"}}`, http.StatusBadRequest},
		{enginetest.New(), "ordered", `{"messageId":"` + strings.Repeat("x", maxBody) + `"}`, http.StatusRequestEntityTooLarge},
		{refused, "ordered", `{"messageId":"m1"}`, http.StatusUnprocessableEntity},
		{broken{errors.New("away")}, "ordered", `{"messageId":"m1"}`, http.StatusServiceUnavailable},
	} {
		if got := post(test.publisher, test.name, test.body); got != test.want {
			t.Errorf("POST %s %.60s = %d, want %d", test.name, test.body, got, test.want)
		}
		if memory, ok := test.publisher.(*enginetest.Memory); ok && len(memory.Published()) > 0 {
			t.Errorf("POST %s %.60s published %v, want nothing", test.name, test.body, memory.Published())
		}
	}
}

func TestMessagesThatBreakOffAreAskedForAgain(t *testing.T) {
	memory := enginetest.New()
	broken := io.MultiReader(strings.NewReader(`{"messageId":"m1"}`), iotest.ErrReader(io.ErrUnexpectedEOF))
	if got, want := send(memory, "ordered", broken), http.StatusRequestTimeout; got != want {
		t.Errorf("status = %d, want %d", got, want)
	}
	if got := memory.Published(); len(got) > 0 {
		t.Errorf("published %v, want nothing", got)
	}
}
