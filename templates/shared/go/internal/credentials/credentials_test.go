package credentials

import (
	"encoding"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCallers_AcceptsListedToken(t *testing.T) {
	token, tokens := filepath.Join(t.TempDir(), "token"), filepath.Join(t.TempDir(), "tokens")
	write(t, tokens, "first\nsecond\n")
	write(t, token, "third\n")
	server := httptest.NewServer(Callers(tokens).Only(slog.New(slog.DiscardHandler), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer server.Close()
	expectStatus(t, Client(File(token), time.Minute), server.URL, http.StatusUnauthorized)
	expectStatus(t, Client("", time.Minute), server.URL, http.StatusUnauthorized)
	// Token files are rotated while processes run.
	write(t, token, "second\n")
	expectStatus(t, Client(File(token), time.Minute), server.URL, http.StatusOK)
	write(t, tokens, "first\n")
	expectStatus(t, Client(File(token), time.Minute), server.URL, http.StatusUnauthorized)
}

func TestCallers_LogsRefusedCall(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens")
	write(t, tokens, "first\n")
	for _, test := range []struct {
		callers Callers
		status  int
		want    string
	}{
		{Callers(tokens), http.StatusUnauthorized, `"level":"WARN"`},
		{"", http.StatusUnauthorized, `"level":"WARN"`},
		{Callers(tokens + "-missing"), http.StatusInternalServerError, "no such file"},
	} {
		var log strings.Builder
		recorder := httptest.NewRecorder()
		test.callers.Only(slog.New(slog.NewJSONHandler(&log, nil)), http.NotFoundHandler()).
			ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/v1/events", nil))
		if got := log.String(); recorder.Code != test.status || !strings.Contains(got, test.want) || !strings.Contains(got, "/v1/events") {
			t.Errorf("callers %q: status = %d, want %d; log = %s, want %s and the path", test.callers, recorder.Code, test.status, got, test.want)
		}
		if strings.Contains(recorder.Body.String(), tokens) {
			t.Errorf("callers %q: answer = %s, want it without the path of the file", test.callers, recorder.Body)
		}
	}
}

func TestClient_MissingTokenFile(t *testing.T) {
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer server.Close()
	body := &closing{Reader: strings.NewReader("event")}
	_, err := Client(File(filepath.Join(t.TempDir(), "missing")), time.Minute).Post(server.URL, "text/plain", body)
	if !errors.Is(err, os.ErrNotExist) || called || !body.closed {
		t.Errorf("Post() error = %v, called: %v, body closed: %v; want %v, false, true", err, called, body.closed, os.ErrNotExist)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestClient_DoesNotFollowRedirects(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("/login", http.StatusFound))
	defer server.Close()
	expectStatus(t, Client("", time.Minute), server.URL, http.StatusFound)
}

func TestUnmarshalText_MissingFile(t *testing.T) {
	there := filepath.Join(t.TempDir(), "tokens")
	write(t, there, "first\n")
	for _, into := range []encoding.TextUnmarshaler{new(File), new(Callers)} {
		for text, valid := range map[string]bool{there: true, "": true, there + "-missing": false, t.TempDir(): false} {
			if err := into.UnmarshalText([]byte(text)); (err == nil) != valid || err != nil && !strings.Contains(err.Error(), text) {
				t.Errorf("%T: UnmarshalText(%q) error = %v, want one with the path: %v", into, text, err, !valid)
			}
		}
	}
}

func TestCallers_AnyoneOrFile(t *testing.T) {
	for text, valid := range map[string]bool{"anyone": true, os.DevNull: true, "tokens": false} {
		if err := new(Callers).UnmarshalText([]byte(text)); (err == nil) != valid {
			t.Errorf("UnmarshalText(%q) error = %v, want one: %v", text, err, !valid)
		}
	}
	if err := Callers("anyone").Check(""); err != nil {
		t.Errorf("Check() for anyone: error = %v, want nil", err)
	}
	for _, authorization := range []string{"", "Bearer ", "Basic Og=="} {
		if err := Callers(os.DevNull).Check(authorization); err == nil {
			t.Errorf("Check(%q) without tokens: error = nil, want one", authorization)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func expectStatus(t *testing.T, client *http.Client, url string, want int) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != want {
		t.Errorf("status = %d, want %d", resp.StatusCode, want)
	}
}
