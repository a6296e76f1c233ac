package credentials

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestClientsAreAcceptedByTheirToken(t *testing.T) {
	token, tokens := filepath.Join(t.TempDir(), "token"), filepath.Join(t.TempDir(), "tokens")
	write(t, tokens, "first\nsecond\n")
	write(t, token, "third\n")
	server := httptest.NewServer(Callers(tokens).Only(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer server.Close()
	expectStatus(t, Client(token, time.Minute), server.URL, http.StatusUnauthorized)
	expectStatus(t, Client("", time.Minute), server.URL, http.StatusUnauthorized)
	// Files are renewed while processes run.
	write(t, token, "second\n")
	expectStatus(t, Client(token, time.Minute), server.URL, http.StatusOK)
	write(t, tokens, "first\n")
	expectStatus(t, Client(token, time.Minute), server.URL, http.StatusUnauthorized)
}

func TestClientSendsNothingWithoutItsToken(t *testing.T) {
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer server.Close()
	body := &closing{Reader: strings.NewReader("event")}
	_, err := Client(filepath.Join(t.TempDir(), "missing"), time.Minute).Post(server.URL, "text/plain", body)
	if !errors.Is(err, os.ErrNotExist) || called || !body.closed {
		t.Errorf("Post() error = %v, called: %v, body closed: %v; want %v, false, true", err, called, body.closed, os.ErrNotExist)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestClientFollowsNoRedirection(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("/login", http.StatusFound))
	defer server.Close()
	expectStatus(t, Client("", time.Minute), server.URL, http.StatusFound)
}

func TestCallersAreSaid(t *testing.T) {
	for text, valid := range map[string]bool{"anyone": true, "/run/tokens": true, "tokens": false, "": false} {
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
