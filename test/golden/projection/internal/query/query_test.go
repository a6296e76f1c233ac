package query

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/acme/app/primitives/projection/orders/internal/model"
)

// memory is a Store of one tenant, i000 and on.
type memory struct{ count int }

func (m memory) GetOrder(ctx context.Context, tenant, id string) (model.Order, error) {
	items, err := m.ListOrders(ctx, tenant, "", m.count)
	for _, it := range items {
		if it.ID == id {
			return it, nil
		}
	}
	return model.Order{}, errors.Join(err, model.ErrNotFound)
}

func (m memory) ListOrders(_ context.Context, tenant, after string, limit int) ([]model.Order, error) {
	var items []model.Order
	for i := 0; i < m.count && tenant == "acme" && len(items) < limit; i++ {
		if id := fmt.Sprintf("i%03d", i); id > after {
			created := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
			items = append(items, model.Order{Tenant: tenant, ID: id, Title: "First", Version: 2, Created: created})
		}
	}
	return items, nil
}

type broken struct{}

func (broken) GetOrder(context.Context, string, string) (model.Order, error) {
	return model.Order{}, errors.New("secret")
}

func (broken) ListOrders(context.Context, string, string, int) ([]model.Order, error) {
	return nil, errors.New("secret")
}

// get returns status and body of a query, without the line feed at its end.
func get(store Store, tenant, path string) (int, string) { return getAs(store, []string{tenant}, path) }

func getAs(store Store, tenants []string, path string) (int, string) {
	mux := http.NewServeMux()
	(&API{Store: store, Log: slog.New(slog.DiscardHandler)}).Register(mux)
	request := httptest.NewRequest(http.MethodGet, path, nil)
	request.Header["Tenant-Id"] = tenants
	recorder := httptest.NewRecorder()
	mux.ServeHTTP(recorder, request)
	return recorder.Code, strings.TrimSpace(recorder.Body.String())
}

func TestGet(t *testing.T) {
	status, body := get(memory{3}, "acme", "/v1/orders/i001")
	want := `{"id":"i001","title":"First","version":2,"created":"2030-01-02T03:04:05Z"}`
	if status != http.StatusOK || body != want {
		t.Errorf("got %d %s, want 200 %s", status, body, want)
	}
}

func TestGetOfAnotherTenantIsNotFound(t *testing.T) {
	for tenant, path := range map[string]string{"acme": "/v1/orders/none", "other": "/v1/orders/i001"} {
		if status, body := get(memory{3}, tenant, path); status != http.StatusNotFound {
			t.Errorf("GET %s of %s = %d %s, want 404", path, tenant, status, body)
		}
	}
}

func TestList(t *testing.T) {
	const created = `"version":2,"created":"2030-01-02T03:04:05Z"}`
	for _, test := range []struct {
		tenant, path string
		count        int
		want         string
	}{
		{"acme", "/v1/orders", 1, `{"orders":[{"id":"i000","title":"First",` + created + `]}`},
		{"acme", "/v1/orders?after=i000", 2, `{"orders":[{"id":"i001","title":"First",` + created + `]}`},
		{"acme", "/v1/orders?after=i001", 2, `{"orders":[]}`},
		{"other", "/v1/orders", 2, `{"orders":[]}`},
	} {
		if status, body := get(memory{test.count}, test.tenant, test.path); status != http.StatusOK || body != test.want {
			t.Errorf("GET %s of %s = %d %s, want 200 %s", test.path, test.tenant, status, body, test.want)
		}
	}
}

func TestListInPages(t *testing.T) {
	for count, next := range map[int]string{100: `}]}`, 101: `"next":"i099"}`} {
		status, body := get(memory{count}, "acme", "/v1/orders")
		if got, want := strings.Count(body, `"id"`), 100; status != http.StatusOK || got != want || !strings.HasSuffix(body, next) {
			t.Errorf("of %d: got %d with %d, ending in %q; want 200 with %d, ending in %q",
				count, status, got, body[max(0, len(body)-60):], want, next)
		}
	}
}

func TestQueriesNeedTenant(t *testing.T) {
	for _, path := range []string{"/v1/orders", "/v1/orders/i001"} {
		for _, tenants := range [][]string{{}, {""}, {"a b"}, {"acme", "other"}} {
			if status, body := getAs(memory{3}, tenants, path); status != http.StatusBadRequest {
				t.Errorf("GET %s of %q = %d %s, want 400", path, tenants, status, body)
			}
		}
	}
}

func TestQueriesSayWhoAsks(t *testing.T) {
	var log strings.Builder
	mux := http.NewServeMux()
	(&API{Store: memory{3}, Log: slog.New(slog.NewJSONHandler(&log, nil))}).Register(mux)
	request := httptest.NewRequest(http.MethodGet, "/v1/orders", nil)
	request.Header = http.Header{
		"Tenant-Id": {"acme"}, "Subject-Id": {"alice"}, "Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
	}
	mux.ServeHTTP(httptest.NewRecorder(), request)
	if want := `"tenant":"acme","subject":"alice","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"`; !strings.Contains(log.String(), want) {
		t.Errorf("log = %s, want %s", log.String(), want)
	}
}

func TestQueriesAreText(t *testing.T) {
	for _, path := range []string{"/v1/orders/%00", "/v1/orders/%ff", "/v1/orders?after=%00", "/v1/orders?after=%ff", "/v1/orders?after=%"} {
		if status, body := get(memory{3}, "acme", path); status != http.StatusBadRequest {
			t.Errorf("GET %s = %d %s, want 400", path, status, body)
		}
	}
}

func TestQueriesKeepFailuresToThemselves(t *testing.T) {
	for _, path := range []string{"/v1/orders", "/v1/orders/i001"} {
		status, body := get(broken{}, "acme", path)
		if status != http.StatusInternalServerError || strings.Contains(body, "secret") {
			t.Errorf("GET %s = %d %s, want 500 without the cause", path, status, body)
		}
	}
}
