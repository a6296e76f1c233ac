// Package zeebe talks to Zeebe through the REST API v2 of Camunda 8.7 or newer.
package zeebe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/acme/app/primitives/process/orders/internal/engine"
)

const (
	// requestTimeout is for one request; an activation may take as long as it waits besides.
	requestTimeout = 10 * time.Second
	maxBody        = 32 << 20
	// maxDetail is how much is told of what the engine says of a failure.
	maxDetail = 500
)

// Client implements [engine.Engine]. Use [New].
type Client struct {
	http *http.Client
	base *url.URL
}

// New returns a client of the cluster at base, for example https://zeebe.example.com. Transport adds the credentials;
// see [Basic] and [OAuth].
func New(base *url.URL, transport http.RoundTripper) *Client {
	return &Client{base: base, http: &http.Client{Transport: transport, CheckRedirect: stay}}
}

// stay follows no redirect: credentials and jobs are for the configured address alone.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// key is a number up to Camunda 8.7, and a string from 8.8 on.
type key string

func (k *key) UnmarshalJSON(data []byte) error {
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return err
	}
	*k = key(number)
	return nil
}

var digits = regexp.MustCompile("^[0-9]+$")

// activated is a job as Camunda hands it out.
type activated struct {
	JobKey             key               `json:"jobKey"`
	Type               string            `json:"type"`
	ProcessInstanceKey key               `json:"processInstanceKey"`
	ElementID          string            `json:"elementId"`
	ElementInstanceKey key               `json:"elementInstanceKey"`
	TenantID           string            `json:"tenantId"`
	Kind               string            `json:"kind"`
	ListenerEventType  string            `json:"listenerEventType"`
	CustomHeaders      map[string]string `json:"customHeaders"`
	UserTask           json.RawMessage   `json:"userTask"`
	Retries            *int              `json:"retries"`
	Variables          json.RawMessage   `json:"variables"`
}

// check says why the job cannot be done. Without its key nothing could be reported of it, and without the other ones
// different jobs would ask for work under one id.
func (j activated) check(jobType string) error {
	for _, field := range []struct {
		name string
		ok   bool
	}{
		{"jobKey", digits.MatchString(string(j.JobKey))},
		{"processInstanceKey", digits.MatchString(string(j.ProcessInstanceKey))},
		{"elementInstanceKey", digits.MatchString(string(j.ElementInstanceKey))},
		{"elementId", j.ElementID != ""},
		{"retries", j.Retries != nil},
	} {
		if !field.ok {
			return fmt.Errorf("a job came without %s: is the engine Camunda 8.7 or newer?", field.name)
		}
	}
	if j.Type != jobType {
		return fmt.Errorf("job %s came with the type %.100q instead of %q", j.JobKey, j.Type, jobType)
	}
	return nil
}

// Activate implements [engine.Engine]. An answer with anything in it that cannot be worked with is refused whole; the
// engine hands its jobs out again.
func (c *Client) Activate(ctx context.Context, a engine.Activation) ([]engine.Job, error) {
	ctx, cancel := context.WithTimeout(ctx, a.Wait+requestTimeout)
	defer cancel()
	var answer struct {
		Jobs []activated `json:"jobs"`
	}
	body := map[string]any{
		"type":              a.Type,
		"worker":            a.Worker,
		"maxJobsToActivate": a.Max,
		"timeout":           a.Lock.Milliseconds(),
		"requestTimeout":    a.Wait.Milliseconds(),
	}
	if len(a.Tenants) > 0 {
		body["tenantIds"] = a.Tenants
	}
	err := c.post(ctx, &answer, body, "jobs", "activation")
	switch {
	case err != nil:
		return nil, err
	case answer.Jobs == nil:
		return nil, errors.New("the engine's answer to an activation has no jobs, not even an empty list")
	case len(answer.Jobs) > a.Max:
		return nil, fmt.Errorf("the engine handed out %d jobs instead of at most %d", len(answer.Jobs), a.Max)
	}
	var jobs []engine.Job
	for _, job := range answer.Jobs {
		if err := job.check(a.Type); err != nil {
			return nil, err
		}
		if string(job.UserTask) == "null" {
			job.UserTask = nil
		}
		jobs = append(jobs, engine.Job{
			Key: string(job.JobKey), Type: job.Type, ProcessInstanceKey: string(job.ProcessInstanceKey),
			ElementID: job.ElementID, ElementInstanceKey: string(job.ElementInstanceKey),
			Tenant: job.TenantID, Kind: job.Kind, ListenerEvent: job.ListenerEventType, Headers: job.CustomHeaders,
			UserTask: job.UserTask, Retries: *job.Retries, Variables: job.Variables,
		})
	}
	return jobs, nil
}

// Complete implements [engine.Engine].
func (c *Client) Complete(ctx context.Context, jobKey string, completion engine.Completion) error {
	body := map[string]any{"variables": completion.Variables}
	if completion.Result != nil {
		body["result"] = completion.Result
	}
	return c.onJob(ctx, jobKey, "completion", body)
}

// Fail implements [engine.Engine].
func (c *Client) Fail(ctx context.Context, jobKey string, failure engine.Failure) error {
	return c.onJob(ctx, jobKey, "failure", map[string]any{
		"retries":      failure.Retries,
		"retryBackOff": failure.Backoff.Milliseconds(),
		"errorMessage": failure.Message,
	})
}

// Throw implements [engine.Engine].
func (c *Client) Throw(ctx context.Context, jobKey string, e *engine.BPMNError) error {
	return c.onJob(ctx, jobKey, "error", map[string]any{
		"errorCode":    e.Code,
		"errorMessage": e.Message,
		"variables":    e.Variables,
	})
}

// Publish implements [engine.Engine].
func (c *Client) Publish(ctx context.Context, message engine.Message) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var answer struct {
		MessageKey key `json:"messageKey"`
	}
	body := map[string]any{
		"name":           message.Name,
		"correlationKey": message.CorrelationKey,
		"messageId":      message.ID,
		"timeToLive":     message.TTL.Milliseconds(),
		"variables":      message.Variables,
	}
	if message.Tenant != "" {
		body["tenantId"] = message.Tenant
	}
	err := c.post(ctx, &answer, body, "messages", "publication")
	// The message is there already: that is what its id is for.
	if status, ok := errors.AsType[*statusError](err); ok && status.code == http.StatusConflict {
		return nil
	}
	if err == nil && answer.MessageKey == "" {
		return errors.New("the engine's answer to a message has no messageKey")
	}
	return err
}

// Deploy makes a model the latest version of its processes, for a tenant unless that is empty. Zeebe takes one that it
// has already for no new version.
func (c *Client) Deploy(ctx context.Context, tenant, name string, model []byte) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("resources", name)
	if err != nil {
		return err
	}
	// Neither fails on a buffer.
	_, _ = part.Write(model)
	if tenant != "" {
		_ = form.WriteField("tenantId", tenant)
	}
	_ = form.Close()
	var answer struct {
		DeploymentKey key `json:"deploymentKey"`
	}
	if err := c.send(ctx, http.MethodPost, form.FormDataContentType(), &body, &answer, "deployments"); err != nil {
		return err
	}
	if answer.DeploymentKey == "" {
		return errors.New("the engine's answer to a deployment has no deploymentKey")
	}
	return nil
}

// Ready says why the cluster cannot be worked with.
func (c *Client) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var topology struct {
		Brokers []json.RawMessage `json:"brokers"`
	}
	if err := c.send(ctx, http.MethodGet, "", nil, &topology, "topology"); err != nil {
		return err
	}
	if len(topology.Brokers) == 0 {
		return errors.New("the cluster has no brokers")
	}
	return nil
}

func (c *Client) onJob(ctx context.Context, jobKey, verb string, body map[string]any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := c.post(ctx, nil, body, "jobs", jobKey, verb)
	if status, ok := errors.AsType[*statusError](err); ok && (status.code == http.StatusNotFound || status.code == http.StatusConflict) {
		return fmt.Errorf("job %s: %w: %w", jobKey, engine.ErrGone, err)
	}
	return err
}

func (c *Client) post(ctx context.Context, answer any, body map[string]any, path ...string) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%w: %w", engine.ErrRefused, err)
	}
	return c.send(ctx, http.MethodPost, "application/json", bytes.NewReader(data), answer, path...)
}

// statusError is an answer that is no success.
type statusError struct {
	code          int
	title, detail string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("the engine answered %d: %.*q %.*q", e.code, maxDetail, e.title, maxDetail, e.detail)
}

// Is makes those an ErrRefused that would be answered the same again: the request is at fault, and it is the engine that
// says so. A wrong address or missing permissions are for somebody to set right, after which the request is as good.
func (e *statusError) Is(target error) bool {
	return target == engine.ErrRefused && (e.code == http.StatusBadRequest && e.title != "" || e.code == http.StatusRequestEntityTooLarge)
}

// send sends a request to /v2/path and decodes the answer. Where that is nil, there must be none (204): a page that says
// 200, such as one for logging in, is not the engine's.
func (c *Client) send(ctx context.Context, method, contentType string, body io.Reader, answer any, path ...string) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath(append([]string{"v2"}, path...)...).String(), body)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	// Read to the end, so that the connection can be used again.
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 || answer == nil && resp.StatusCode != http.StatusNoContent {
		// What Camunda answers is problem details (RFC 9457); what a proxy answers may be anything.
		var problem struct{ Title, Detail string }
		_ = json.Unmarshal(data, &problem)
		return &statusError{resp.StatusCode, problem.Title, problem.Detail}
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("the engine's answer to %s: %w", req.URL.Path, err)
	}
	return nil
}
