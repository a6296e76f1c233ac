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

func TestClient_RotatedToken(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	token := write(t, "first\n")
	client := Client(File(token), time.Minute)
	expectStatus(t, client, server.URL, http.StatusOK)
	rewrite(t, token, "second\n")
	expectStatus(t, client, server.URL, http.StatusOK)
	expectStatus(t, Client("", time.Minute), server.URL, http.StatusOK)
	if want := "Bearer first,Bearer second,"; strings.Join(got, ",") != want {
		t.Errorf("authorizations = %q, want %q", got, want)
	}
}

func TestClient_MissingTokenFile(t *testing.T) {
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer server.Close()
	missing := filepath.Join(t.TempDir(), "missing")
	for path, want := range map[string]string{missing: "no such file", write(t, " \n"): "is empty"} {
		body := &closing{Reader: strings.NewReader("event")}
		_, err := Client(File(path), time.Minute).Post(server.URL, "text/plain", body)
		if err == nil || !strings.Contains(err.Error(), want) || called || !body.closed {
			t.Errorf("Post() error = %v, called: %v, body closed: %v; want %s, false, true", err, called, body.closed, want)
		}
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

func TestFile_AtStart(t *testing.T) {
	there := write(t, "first\n")
	for text, valid := range map[string]bool{there: true, "": true, there + "-missing": false, t.TempDir(): false, write(t, "\n"): false} {
		if err := new(File).UnmarshalText([]byte(text)); (err == nil) != valid || err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("UnmarshalText(%q) error = %v, want one with the path: %v", text, err, !valid)
		}
	}
	if err := new(File).UnmarshalText([]byte(there + "-missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("UnmarshalText() error = %v, want %v", err, os.ErrNotExist)
	}
}

// write returns the path of a new file.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	rewrite(t, path, text)
	return path
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
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
