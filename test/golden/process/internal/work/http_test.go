package work

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWorkIsRequestedAndCancelled(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+string(body))
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	base, _ := url.Parse(server.URL + "/orders")
	service := NewHTTP(base)
	if err := service.Request(t.Context(), Order{ID: "w1", Tenant: "acme", Subject: "item/i1"}); err != nil {
		t.Errorf("Request() error = %v, want nil", err)
	}
	if err := service.Cancel(t.Context(), "w1"); err != nil {
		t.Errorf("Cancel() error = %v, want nil", err)
	}
	want := []string{`PUT /orders/w1 {"id":"w1","tenant":"acme","subject":"item/i1"}`, "DELETE /orders/w1 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests differ (-want +got):\n%s", diff)
	}
}

func TestWorkFailsUnlessAccepted(t *testing.T) {
	for _, status := range []int{
		http.StatusFound, http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusInternalServerError,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Errorf("answered %d: %s was sent elsewhere, too", status, r.Method)
				return
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		base, _ := url.Parse(server.URL)
		service := NewHTTP(base)
		if err := service.Request(t.Context(), Order{ID: "w1"}); err == nil {
			t.Errorf("Request() answered %d: error = nil, want one", status)
		}
		if err := service.Cancel(t.Context(), "w1"); err == nil {
			t.Errorf("Cancel() answered %d: error = nil, want one", status)
		}
		server.Close()
	}
}

func TestWorkNeedsAnID(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s, want no request", r.Method, r.URL.Path)
	}))
	defer server.Close()
	base, _ := url.Parse(server.URL + "/orders")
	for _, id := range []string{"", ".", ".."} {
		if err := NewHTTP(base).Cancel(t.Context(), id); err == nil {
			t.Errorf("Cancel(%q) error = nil, want one", id)
		}
	}
}
