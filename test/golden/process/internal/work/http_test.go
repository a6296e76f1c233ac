package work

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/acme/app/primitives/process/orders/internal/caller"
)

func TestWorkIsRequestedForItsCaller(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path, string(body))
		for _, name := range []string{"Content-Type", "Tenant-Id", "Subject-Id", "Traceparent", "Tracestate"} {
			got = append(got, r.Header.Get(name))
		}
	}))
	defer server.Close()
	method, _ := url.Parse(server.URL + "/acme.v1.Orders/CreateOrder")
	from := caller.Caller{Tenant: "acme", Subject: "alice", TraceParent: "00-1", TraceState: "a=b"}
	if err := NewHTTP(method, server.Client()).Request(t.Context(), from, Order{ID: "w1", Title: "First"}); err != nil {
		t.Errorf("Request() error = %v, want nil", err)
	}
	want := []string{
		"POST /acme.v1.Orders/CreateOrder", `{"requestId":"w1","title":"First"}`,
		"application/json", "acme", "alice", "00-1", "a=b",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the request differs (-want +got):\n%s", diff)
	}
}

func TestWorkFailsUnlessAccepted(t *testing.T) {
	for status, refused := range map[int]bool{
		http.StatusNotModified: false, http.StatusBadRequest: true, http.StatusConflict: true,
		http.StatusUnauthorized: false, http.StatusNotFound: false, http.StatusTooManyRequests: false, http.StatusInternalServerError: false,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		method, _ := url.Parse(server.URL)
		err := NewHTTP(method, server.Client()).Request(t.Context(), caller.Caller{}, Order{ID: "w1"})
		if err == nil || errors.Is(err, ErrRefused) != refused {
			t.Errorf("Request() answered %d: error = %v, want one, refused %t", status, err, refused)
		}
		server.Close()
	}
}
