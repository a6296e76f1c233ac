package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestHTTPPublisher_PostsCloudEvent(t *testing.T) {
	var got map[string]any
	var contentType string
	consumer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		contentType = r.Header.Get("Content-Type")
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer consumer.Close()
	err := NewHTTPPublisher(consumer.Client(), consumer.URL, "/domain/test").Publish(t.Context(), Event{
		ID: "m1", Tenant: "acme", Type: "test.Happened", AggregateType: "item", AggregateID: "i1", Sequence: 3, First: true, Actor: "alice",
		Time:        time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC),
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		Data:        []byte(`{"a":1}`),
	})
	if err != nil {
		t.Fatalf("Publish() error = %v, want nil", err)
	}
	want := map[string]any{
		"specversion": "1.0", "id": "m1", "source": "/domain/test", "type": "test.Happened", "subject": "item/i1",
		"time": "2030-01-02T03:04:05Z", "tenant": "acme", "sequence": "3", "streamstart": true, "authtype": "unknown", "authid": "alice",
		"traceparent":     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"datacontenttype": "application/json", "data": map[string]any{"a": 1.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event differs (-want +got):\n%s", diff)
	}
	if want := "application/cloudevents+json"; contentType != want {
		t.Errorf("Content-Type = %q, want %q", contentType, want)
	}
}

func TestHTTPPublisher_Tombstone(t *testing.T) {
	var got map[string]any
	consumer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
	}))
	defer consumer.Close()
	err := NewHTTPPublisher(consumer.Client(), consumer.URL, "/domain/test").Publish(t.Context(), Event{
		ID: "m1", Type: "test.Happened", AggregateType: "item", AggregateID: "i1", Sequence: 3, Data: []byte(`{"a":1}`), Tombstone: true,
	})
	if err != nil || got["type"] != Tombstone || got["sequence"] != "3" || got["data"] != nil {
		t.Errorf("Publish() error = %v, sent %v, want a tombstone in its place", err, got)
	}
}

func TestHTTPPublisher_NotAccepted(t *testing.T) {
	for status, want := range map[int]error{
		http.StatusFound: nil, http.StatusConflict: nil, http.StatusInternalServerError: nil,
		http.StatusBadRequest: ErrRefused, http.StatusRequestEntityTooLarge: ErrRefused,
		http.StatusUnauthorized: ErrUnavailable, http.StatusTooManyRequests: ErrUnavailable, http.StatusServiceUnavailable: ErrUnavailable,
	} {
		consumer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		err := NewHTTPPublisher(consumer.Client(), consumer.URL, "/domain/test").Publish(t.Context(), Event{Data: []byte(`{}`)})
		if err == nil || errors.Is(err, ErrRefused) != (want == ErrRefused) || errors.Is(err, ErrUnavailable) != (want == ErrUnavailable) {
			t.Errorf("status %d: Publish() error = %v, want %v", status, err, want)
		}
		consumer.Close()
	}
}

func TestHTTPPublisher_NoAnswer(t *testing.T) {
	hung := make(chan struct{})
	consumer := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hung }))
	publisher := NewHTTPPublisher(consumer.Client(), consumer.URL, "/domain/test")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := publisher.Publish(ctx, Event{Data: []byte(`{}`)}); err == nil || errors.Is(err, ErrUnavailable) {
		t.Errorf("Publish() to a consumer that hangs: error = %v, want one of this event", err)
	}
	close(hung)
	consumer.Close()
	if err := publisher.Publish(t.Context(), Event{Data: []byte(`{}`)}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Publish() without a consumer: error = %v, want %v", err, ErrUnavailable)
	}
}
