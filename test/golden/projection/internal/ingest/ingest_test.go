package ingest

import (
	"context"
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

	"github.com/acme/app/primitives/projection/orders/internal/event"
)

// answer is a Store that always does the same.
type answer struct {
	outcome Outcome
	err     error
	got     []event.Event
}

func (a *answer) Ingest(ctx context.Context, e event.Event) (Outcome, error) {
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 5*time.Second {
		return "", errors.New("no deadline that a dispatcher waits for")
	}
	a.got = append(a.got, e)
	return a.outcome, a.err
}

const body = `{"specversion":"1.0","id":"m1","source":"/s","type":"t","subject":"item/i1","tenant":"acme","sequence":"2","data":{}}`

func post(store Store, body io.Reader) int {
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodPost, "/v1/events", body)
	Handler(slog.New(slog.DiscardHandler), store).ServeHTTP(recorder, request)
	return recorder.Code
}

func TestIngestAnswersByOutcome(t *testing.T) {
	for _, test := range []struct {
		outcome Outcome
		err     error
		want    int
	}{
		{Applied, nil, http.StatusNoContent},
		{Duplicate, nil, http.StatusNoContent},
		{Ignored, nil, http.StatusNoContent},
		{Skipped, nil, http.StatusNoContent},
		{"", fmt.Errorf("item/i1: %w", ErrGap), http.StatusConflict},
		{"", fmt.Errorf("data: %w", event.ErrInvalid), http.StatusBadRequest},
		{"", errors.New("disk full"), http.StatusInternalServerError},
	} {
		store := &answer{outcome: test.outcome, err: test.err}
		if got := post(store, strings.NewReader(body)); got != test.want {
			t.Errorf("outcome %q, error %v: status = %d, want %d", test.outcome, test.err, got, test.want)
		}
		want := event.Stream{Source: "/s", Tenant: "acme", Subject: "item/i1"}
		if diff := cmp.Diff(want, store.got[0].Stream); diff != "" {
			t.Errorf("stream differs (-want +got):\n%s", diff)
		}
	}
}

func TestIngestWarnsOfWhatIsIgnored(t *testing.T) {
	for outcome, want := range map[Outcome]string{Applied: `"level":"INFO"`, Ignored: `"level":"WARN"`, Skipped: `"level":"WARN"`} {
		var log strings.Builder
		request := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
		Handler(slog.New(slog.NewJSONHandler(&log, nil)), &answer{outcome: outcome}).ServeHTTP(httptest.NewRecorder(), request)
		if got := log.String(); !strings.Contains(got, want) || !strings.Contains(got, `"type":"t"`) {
			t.Errorf("log of %s = %s, want %s and the type", outcome, got, want)
		}
	}
}

func TestIngestLogsWhatIsNoEvent(t *testing.T) {
	var log strings.Builder
	request := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(`{"specversion":"0.3"}`))
	Handler(slog.New(slog.NewJSONHandler(&log, nil)), new(answer)).ServeHTTP(httptest.NewRecorder(), request)
	if got := log.String(); !strings.Contains(got, `"level":"ERROR","msg":"refused"`) || !strings.Contains(got, "specversion") {
		t.Errorf("log = %s, want an error that names specversion", got)
	}
}

func TestIngestRefusesWhatIsNoEvent(t *testing.T) {
	for body, want := range map[string]int{
		"":                                       http.StatusBadRequest,
		"{}":                                     http.StatusBadRequest,
		`{"specversion":"1.0"}`:                  http.StatusBadRequest,
		`"` + strings.Repeat("x", maxBody) + `"`: http.StatusRequestEntityTooLarge,
	} {
		store := new(answer)
		if got := post(store, strings.NewReader(body)); got != want {
			t.Errorf("status of %d bytes = %d, want %d", len(body), got, want)
		}
		if len(store.got) != 0 {
			t.Errorf("saved %v, want nothing", store.got)
		}
	}
}

func TestIngestWantsEventAgainThatDidNotArrive(t *testing.T) {
	half := io.MultiReader(strings.NewReader(body[:20]), iotest.ErrReader(io.ErrUnexpectedEOF))
	if got, want := post(new(answer), half), http.StatusRequestTimeout; got != want {
		t.Errorf("status = %d, want %d", got, want)
	}
}
