package credentials

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"example.com/service/internal/platform/issuer/issuertest"
)

func callers(t *testing.T, path string) Callers {
	t.Helper()
	read, err := FromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// checked is what Check returns for a token, as text.
func checked(t *testing.T, c Callers, token string) string {
	t.Helper()
	switch name, err := c.Check(t.Context(), "Bearer "+token); {
	case err == nil:
		return "accepted " + name
	case errors.Is(err, ErrNotAccepted):
		return "refused"
	default:
		return "unknown"
	}
}

func TestCallers_AcceptsListedToken(t *testing.T) {
	for text, want := range map[string]string{
		"first\nsecond\n":                             "accepted ",
		`{"tokens":{"flow":["first","second"]}}`:      "accepted flow",
		`{"tokens":{"flow":["first"],"other":["x"]}}`: "refused",
		"second third":                                "accepted ",
	} {
		c := callers(t, write(t, text))
		if got := checked(t, c, "second"); got != want {
			t.Errorf("%s: second is %s, want %s", text, got, want)
		}
		for _, authorization := range []string{"", "Bearer ", "Bearer", "Basic second", "Bearer fourth", "Bearer second third", "second"} {
			if _, err := c.Check(t.Context(), authorization); !errors.Is(err, ErrNotAccepted) {
				t.Errorf("%s: Check(%q) error = %v, want %v", text, authorization, err, ErrNotAccepted)
			}
		}
	}
}

func TestCallers_RotatedFile(t *testing.T) {
	path := write(t, "first")
	c := callers(t, path)
	for _, step := range []struct{ text, first, second string }{
		{"first", "accepted ", "refused"},
		{`{"tokens":{"flow":["first","second"]}}`, "accepted flow", "accepted flow"},
		{"second", "refused", "accepted "},
		// Nobody is let in or thrown out by a file that is broken.
		{"", "unknown", "unknown"},
		{"{", "unknown", "unknown"},
	} {
		rewrite(t, path, step.text)
		if first, second := checked(t, c, "first"), checked(t, c, "second"); first != step.first || second != step.second {
			t.Errorf("%s: first is %s, second %s; want %s, %s", step.text, first, second, step.first, step.second)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := checked(t, c, "first"); got != "unknown" {
		t.Errorf("without the file: first is %s, want unknown", got)
	}
}

func TestCallers_AtStart(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "neither tokens nor issuers",
		" \n":                          "neither tokens nor issuers",
		"{}":                           "neither tokens nor issuers",
		`{"tokens":{"flow":[]}}`:       "neither tokens nor issuers",
		`{"tokens":{"flow":[""]}}`:     `an empty token of "flow"`,
		`{"token":{"flow":["a"]}}`:     `unknown field "token"`,
		`{"tokens":{"flow":["a"]}} {}`: "more than one",
		`{"tokens":`:                   "unexpected EOF",
		`{"issuers":[{"issuer":"https://id.example.com","audience":"orders"}]}`:                                       "needs an audience and subjects",
		`{"issuers":[{"issuer":"https://id.example.com","subjects":["flow"]}]}`:                                       "needs an audience and subjects",
		`{"issuers":[{"issuer":"https://id.example.com","audience":"orders","subjects":["flow",""]}]}`:                "needs an audience and subjects",
		`{"issuers":[{"issuer":"kubernetes","audience":"orders","subjects":["flow"]}]}`:                               "must be a URL",
		`{"issuers":[{"issuer":"https://id.example.com","audience":"orders","subjects":["flow"],"caFile":"/none"}]}`:  "/none",
		`{"issuers":[{"issuer":"https://id.example.com","audience":"orders","subjects":["flow"],"subject":"other"}]}`: "unknown field",
	} {
		path := write(t, text)
		if err := new(Callers).UnmarshalText([]byte(path)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("UnmarshalText() of a file with %s: error = %v, want one with the path and %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"tokens": "absolute path", "anyone": "anyone:TENANT", "anyone:": "1 to 200 visible", "anyone:a b": "1 to 200 visible", "/none/tokens": "no such file", t.TempDir(): "is a directory",
	} {
		if err := new(Callers).UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("UnmarshalText(%q) error = %v, want one with %q", text, err, want)
		}
	}
	var c Callers
	if err := c.UnmarshalText([]byte("anyone:acme")); err != nil || !c.IsAnyone() || checked(t, c, "") != "accepted " {
		t.Errorf("UnmarshalText(anyone:acme) error = %v, anyone: %t; want nil, true, and calls without a token accepted", err, c.IsAnyone())
	}
	if got := checked(t, Callers{}, "first"); got != "refused" {
		t.Errorf("for the zero value first is %s, want refused", got)
	}
}

func TestCallers_AcceptsTokenOfIssuer(t *testing.T) {
	known := issuertest.Start(t)
	sign := func(audience, subject string) string { return known.Sign(audience, map[string]any{"sub": subject}) }
	const flow = "system:serviceaccount:acme-dev:process-flow-v1"
	c := callers(t, write(t, fmt.Sprintf(`{"tokens":{"old":["secret"]},"issuers":[
		{"issuer":"http://127.0.0.1:1","audience":"orders","subjects":["elsewhere"]},
		{"issuer":%q,"audience":"orders","subjects":[%q]}]}`, known.URL, flow)))
	for _, test := range []struct{ token, want string }{
		{sign("orders", flow), "accepted " + flow},
		{"secret", "accepted old"},
		{sign("orders", "system:serviceaccount:other:process-flow-v1"), "refused"},
		{sign("orders", "elsewhere"), "refused"},
		{sign("other", flow), "refused"},
		{sign("orders", flow) + "x", "refused"},
		{"a.b.c", "refused"},
	} {
		if got := checked(t, c, test.token); got != test.want {
			t.Errorf("%.30s… is %s, want %s", test.token, got, test.want)
		}
	}
}

func TestCallers_TenantOfAnyone(t *testing.T) {
	listed := callers(t, write(t, "first\n"))
	for _, test := range []struct {
		callers Callers
		tenants []string
		want    int
	}{
		{Anyone("acme"), []string{"acme"}, http.StatusNoContent},
		{Anyone("acme"), nil, http.StatusNoContent},
		{Anyone("acme"), []string{"other"}, http.StatusForbidden},
		{Anyone("acme"), []string{"ACME"}, http.StatusForbidden},
		{Anyone("acme"), []string{"acme", "other"}, http.StatusForbidden},
		{Anyone("acme"), []string{""}, http.StatusForbidden},
		{listed, []string{"other"}, http.StatusNoContent},
	} {
		next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if may, want := MayName(r.Context(), "other"), !test.callers.IsAnyone(); may != want {
				t.Errorf("MayName(other) = %t in a call with the tenants %q, want %t", may, test.tenants, want)
			}
			w.WriteHeader(http.StatusNoContent)
		})
		request := httptest.NewRequest(http.MethodPost, "/v1/events", nil)
		request.Header["Authorization"], request.Header["Tenant-Id"] = []string{"Bearer first"}, test.tenants
		recorder := httptest.NewRecorder()
		test.callers.Only(slog.New(slog.DiscardHandler), next).ServeHTTP(recorder, request)
		if recorder.Code != test.want {
			t.Errorf("status of a call with the tenants %q = %d, want %d", test.tenants, recorder.Code, test.want)
		}
	}
}

func TestCallers_LogsRefusedCall(t *testing.T) {
	path := write(t, "first\n")
	gone := callers(t, write(t, "first\n"))
	if err := os.Remove(gone.file.path); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		callers Callers
		status  int
		want    string
	}{
		{callers(t, path), http.StatusUnauthorized, `"level":"WARN"`},
		{Callers{}, http.StatusUnauthorized, `"level":"WARN"`},
		{gone, http.StatusServiceUnavailable, "no such file"},
	} {
		var log strings.Builder
		recorder := httptest.NewRecorder()
		test.callers.Only(slog.New(slog.NewJSONHandler(&log, nil)), http.NotFoundHandler()).
			ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/v1/events", nil))
		if got := log.String(); recorder.Code != test.status || !strings.Contains(got, test.want) || !strings.Contains(got, "/v1/events") {
			t.Errorf("status = %d, want %d; log = %s, want %s and the path", recorder.Code, test.status, got, test.want)
		}
		if strings.Contains(recorder.Body.String(), "file") {
			t.Errorf("answer = %s, want it without the path of the file", recorder.Body)
		}
	}
}
