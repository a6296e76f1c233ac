package zeebe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acme/app/primitives/process/orders/internal/engine"
	"github.com/acme/app/primitives/process/orders/internal/engine/enginetest"
)

// server is Camunda's REST API over an engine in memory. It refuses unknown fields, as Camunda does.
func server(t *testing.T, memory *enginetest.Memory) *httptest.Server {
	published := map[string]bool{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/jobs/activation", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Type, Worker                               string
			TenantIDs                                  []string
			MaxJobsToActivate, Timeout, RequestTimeout int
		}
		if !decode(t, w, r, &body) {
			return
		}
		jobs, err := memory.Activate(r.Context(), engine.Activation{
			Type: body.Type, Tenants: body.TenantIDs, Worker: body.Worker, Max: body.MaxJobsToActivate,
			Lock: millis(body.Timeout), Wait: millis(body.RequestTimeout),
		})
		answers := []map[string]any{}
		for i, job := range jobs {
			answer := map[string]any{
				"jobKey": job.Key, "type": job.Type, "processInstanceKey": job.ProcessInstanceKey,
				"elementId": job.ElementID, "elementInstanceKey": job.ElementInstanceKey, "tenantId": job.Tenant,
				"retries": job.Retries, "variables": job.Variables, "deadline": 0, "customHeaders": job.Headers,
				"kind": job.Kind, "listenerEventType": job.ListenerEvent, "userTask": job.UserTask,
			}
			if i%2 == 0 {
				answer["jobKey"] = json.Number(job.Key)
			}
			answers = append(answers, answer)
		}
		reply(w, err, http.StatusOK, map[string]any{"jobs": answers})
	})
	mux.HandleFunc("POST /v2/jobs/{key}/completion", func(w http.ResponseWriter, r *http.Request) {
		var body engine.Completion
		if decode(t, w, r, &body) {
			reply(w, memory.Complete(r.Context(), r.PathValue("key"), body), http.StatusNoContent, nil)
		}
	})
	mux.HandleFunc("POST /v2/jobs/{key}/failure", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Retries, RetryBackOff int
			ErrorMessage          string
		}
		if decode(t, w, r, &body) {
			failure := engine.Failure{Retries: body.Retries, Backoff: millis(body.RetryBackOff), Message: body.ErrorMessage}
			reply(w, memory.Fail(r.Context(), r.PathValue("key"), failure), http.StatusNoContent, nil)
		}
	})
	mux.HandleFunc("POST /v2/jobs/{key}/error", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			ErrorCode, ErrorMessage string
			Variables               engine.Variables
		}
		if decode(t, w, r, &body) {
			thrown := &engine.BPMNError{Code: body.ErrorCode, Message: body.ErrorMessage, Variables: body.Variables}
			reply(w, memory.Throw(r.Context(), r.PathValue("key"), thrown), http.StatusNoContent, nil)
		}
	})
	mux.HandleFunc("POST /v2/messages/publication", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Name, TenantID, CorrelationKey, MessageID string
			TimeToLive                                int
			Variables                                 engine.Variables
		}
		if !decode(t, w, r, &body) {
			return
		}
		if published[body.MessageID] {
			http.Error(w, `{"title":"ALREADY_EXISTS"}`, http.StatusConflict)
			return
		}
		published[body.MessageID] = body.MessageID != ""
		err := memory.Publish(r.Context(), engine.Message{
			Name: body.Name, Tenant: body.TenantID, CorrelationKey: body.CorrelationKey, ID: body.MessageID,
			TTL: millis(body.TimeToLive), Variables: body.Variables,
		})
		reply(w, err, http.StatusOK, map[string]any{"messageKey": "1"})
	})
	mux.HandleFunc("POST /v2/deployments", func(w http.ResponseWriter, r *http.Request) {
		file, header, err := r.FormFile("resources")
		if err != nil {
			t.Errorf("deployment: %v", err)
			return
		}
		model, _ := io.ReadAll(file)
		if got, want := r.FormValue("tenantId"), "acme"; got != want {
			t.Errorf("deployed for tenant %q, want %q", got, want)
		}
		reply(w, nil, http.StatusOK, map[string]any{"deploymentKey": "1", "deployed": header.Filename + " " + string(model)})
	})
	mux.HandleFunc("GET /v2/topology", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, nil, http.StatusOK, map[string]any{"brokers": []any{map[string]any{"nodeId": 0}}})
	})
	started := httptest.NewServer(mux)
	t.Cleanup(started.Close)
	return started
}

func millis(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }

func decode(t *testing.T, w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Errorf("%s: body: %v", r.URL.Path, err)
		http.Error(w, "{}", http.StatusBadRequest)
		return false
	}
	return true
}

func reply(w http.ResponseWriter, err error, status int, body any) {
	switch {
	case errors.Is(err, engine.ErrGone):
		status, body = http.StatusNotFound, map[string]any{"title": "NOT_FOUND"}
	case err != nil:
		status, body = http.StatusBadRequest, map[string]any{"title": "INVALID_ARGUMENT", "detail": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(w).Encode(body)
	}
}

func client(t *testing.T, address string, transport http.RoundTripper) *Client {
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return New(base, transport)
}

func TestClientIsAnEngine(t *testing.T) {
	enginetest.Contract(t, func(t *testing.T, memory *enginetest.Memory) engine.Engine {
		return client(t, server(t, memory).URL, http.DefaultTransport)
	})
}

func TestClientDeploysAndIsReady(t *testing.T) {
	c := client(t, server(t, enginetest.New()).URL, http.DefaultTransport)
	if err := c.Deploy(t.Context(), "acme", "process.bpmn", []byte("<model/>")); err != nil {
		t.Errorf("Deploy() error = %v, want nil", err)
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Errorf("Ready() error = %v, want nil", err)
	}
}

func TestClientTellsFailures(t *testing.T) {
	for _, test := range []struct {
		status        int
		body          string
		gone, refused bool
	}{
		{http.StatusOK, `{"brokers":[]}`, false, false},
		{http.StatusOK, `not JSON`, false, false},
		{http.StatusOK, `<html>Log in</html>`, false, false},
		{http.StatusFound, ``, false, false},
		{http.StatusTemporaryRedirect, ``, false, false},
		{http.StatusBadRequest, `{"title":"INVALID_ARGUMENT"}`, false, true},
		{http.StatusBadRequest, `<html>`, false, false},
		{http.StatusUnauthorized, ``, false, false},
		{http.StatusForbidden, ``, false, false},
		{http.StatusNotFound, `{}`, true, false},
		{http.StatusMethodNotAllowed, ``, false, false},
		{http.StatusConflict, `{}`, true, false},
		{http.StatusRequestEntityTooLarge, ``, false, true},
		{http.StatusTooManyRequests, ``, false, false},
		{http.StatusServiceUnavailable, `<html>`, false, false},
	} {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			answering := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/elsewhere" {
					t.Errorf("a request was sent elsewhere, too")
					return
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer answering.Close()
			c := client(t, answering.URL, http.DefaultTransport)
			err := c.Complete(t.Context(), "1", engine.Completion{})
			if err == nil {
				t.Errorf("Complete() error = nil, want one")
			}
			if got := errors.Is(err, engine.ErrGone); got != test.gone {
				t.Errorf("Complete() error = %v; is gone = %v, want %v", err, got, test.gone)
			}
			if got := errors.Is(err, engine.ErrRefused); got != test.refused {
				t.Errorf("Complete() error = %v; is refused = %v, want %v", err, got, test.refused)
			}
			for what, err := range map[string]error{
				"Ready()":  c.Ready(t.Context()),
				"Deploy()": c.Deploy(t.Context(), "acme", "process.bpmn", nil),
			} {
				if err == nil {
					t.Errorf("%s error = nil, want one", what)
				}
			}
			// The message is there already.
			if err := c.Publish(t.Context(), engine.Message{}); (err == nil) != (test.status == http.StatusConflict) {
				t.Errorf("Publish() error = %v", err)
			}
		})
	}
}

func TestClientRefusesAnswersThatAreNoJobs(t *testing.T) {
	const rest = `,"type":"charge","processInstanceKey":2,"elementId":"Charge","elementInstanceKey":3,"retries":3,"variables":{}}`
	for _, test := range []struct{ answer, want string }{
		// As Camunda 8.6 has it.
		{`{"jobs":[{"key":1` + rest + `]}`, "without jobKey: is the engine Camunda 8.7 or newer?"},
		{`{"jobs":[{"jobKey":""` + rest + `]}`, "invalid number"},
		{`{"jobs":[{"jobKey":null` + rest + `]}`, "without jobKey"},
		{`{"jobs":[{"jobKey":"../1"` + rest + `]}`, "invalid number"},
		{`{"jobs":[{"jobKey":-1` + rest + `]}`, "without jobKey"},
		{`{"jobs":[{"jobKey":1` + rest + `,{"jobKey":2` + strings.Replace(rest, "charge", "ship", 1) + `]}`, `"ship" instead of "charge"`},
		{`{"jobs":[{"jobKey":1` + rest + `,{"jobKey":2` + rest + `,{"jobKey":3` + rest + `]}`, "3 jobs instead of at most 2"},
		{`{"jobs":[{"jobKey":1` + strings.Replace(rest, "processInstanceKey", "instance", 1) + `]}`, "without processInstanceKey"},
		{`{"jobs":[{"jobKey":1` + strings.Replace(rest, "elementInstanceKey", "instance", 1) + `]}`, "without elementInstanceKey"},
		{`{"jobs":[{"jobKey":1` + strings.Replace(rest, "elementId", "element", 1) + `]}`, "without elementId"},
		{`{"jobs":[{"jobKey":1` + strings.Replace(rest, "retries", "left", 1) + `]}`, "without retries"},
		{`{"jobs":[null]}`, "without jobKey"},
		{`{"jobs":[7]}`, "cannot"},
		{`{"jobs":{}}`, "cannot"},
		{`{}`, "has no jobs"},
		{`null`, "has no jobs"},
		{``, "end of JSON"},
		{`<html>Log in</html>`, "invalid character"},
	} {
		answering := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, test.answer)
		}))
		jobs, err := client(t, answering.URL, http.DefaultTransport).Activate(t.Context(), engine.Activation{Type: "charge", Max: 2})
		if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, engine.ErrRefused) || len(jobs) > 0 {
			t.Errorf("Activate() answered %s = %v, %v; want no jobs, an error with %q", test.answer, jobs, err, test.want)
		}
		answering.Close()
	}
}

func TestCredentials(t *testing.T) {
	var seen []string
	tokens := 0
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if got, want := id+" "+secret+" "+r.FormValue("grant_type")+" "+r.FormValue("audience"), "me hush client_credentials zeebe"; got != want {
			t.Errorf("token request = %q, want %q", got, want)
		}
		tokens++
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"t%d","token_type":"Bearer","expires_in":3600}`, tokens)
	})
	mux.HandleFunc("GET /v2/topology", func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, `{"brokers":[{}]}`)
	})
	answering := httptest.NewServer(mux)
	defer answering.Close()
	for _, test := range []struct {
		transport http.RoundTripper
		want      string
	}{
		{http.DefaultTransport, ","},
		{Basic("me", "hush", http.DefaultTransport), "Basic bWU6aHVzaA==,Basic bWU6aHVzaA=="},
		{OAuth(answering.URL+"/token", "me", "hush", "zeebe", http.DefaultTransport), "Bearer t1,Bearer t1"},
	} {
		seen = nil
		c := client(t, answering.URL, test.transport)
		for range 2 {
			if err := c.Ready(t.Context()); err != nil {
				t.Errorf("Ready() error = %v, want nil", err)
			}
		}
		if got := strings.Join(seen, ","); got != test.want {
			t.Errorf("authorizations = %q, want %q", got, test.want)
		}
	}
}

func TestTokensKeepNobodyWaiting(t *testing.T) {
	release := make(chan struct{})
	var asked atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hanging", func(http.ResponseWriter, *http.Request) { asked.Add(1); <-release })
	mux.HandleFunc("POST /refusing", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error":"invalid_client","error_description":"`+strings.Repeat("x", 5000)+`"}`, http.StatusUnauthorized)
	})
	mux.HandleFunc("POST /redirecting", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s, want no such request", r.Method, r.URL.Path)
	})
	answering := httptest.NewServer(mux)
	defer answering.Close()
	defer close(release)
	ready := func(tokens string, timeout time.Duration, calls int) (errs []error) {
		c := client(t, answering.URL, OAuth(answering.URL+tokens, "me", "hush", "zeebe", http.DefaultTransport))
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		all := make(chan error, calls)
		for range calls {
			go func() { all <- c.Ready(ctx) }()
		}
		for range calls {
			errs = append(errs, <-all)
		}
		return errs
	}
	start := time.Now()
	for _, err := range ready("/hanging", 200*time.Millisecond, 5) {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ready() while there is no token: error = %v, want %v", err, context.DeadlineExceeded)
		}
	}
	if took := time.Since(start); took >= requestTimeout {
		t.Errorf("requests waited %v for a token, want no longer than their own time", took)
	}
	if got := asked.Load(); got > 1 {
		t.Errorf("%d tokens were asked for, want one for all requests", got)
	}
	for _, tokens := range []string{"/refusing", "/redirecting"} {
		err := ready(tokens, time.Minute, 1)[0]
		if err == nil || len(err.Error()) > 1000 || strings.Contains(err.Error(), "hush") {
			t.Errorf("Ready() with a token from %s: error = %v, want a short one without the secret", tokens, err)
		}
	}
}
