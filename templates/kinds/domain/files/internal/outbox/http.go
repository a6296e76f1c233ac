package outbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// HTTPPublisher posts events as CloudEvents 1.0 in structured mode, one per request. Any 2xx is a delivery. Use
// [NewHTTPPublisher].
type HTTPPublisher struct {
	client      *http.Client
	url, source string
}

// NewHTTPPublisher returns a publisher to a URL of events that all have the same CloudEvents source.
func NewHTTPPublisher(url, source string) *HTTPPublisher {
	client := &http.Client{
		// Where a redirection leads need not take events, even if it answers 200.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &HTTPPublisher{client, url, source}
}

// cloudEvent has the extensions of CloudEvents for partitioning, sequence and distributed tracing besides its core.
type cloudEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"`
	Time            time.Time       `json:"time"`
	Tenant          string          `json:"tenant"`
	Sequence        string          `json:"sequence"`
	TraceParent     string          `json:"traceparent,omitempty"`
	TraceState      string          `json:"tracestate,omitempty"`
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
}

// Publish implements [Publisher].
func (p *HTTPPublisher) Publish(ctx context.Context, event Event) error {
	body, err := json.Marshal(cloudEvent{
		SpecVersion:     "1.0",
		ID:              event.ID,
		Source:          p.source,
		Type:            event.Type,
		Subject:         event.AggregateType + "/" + event.AggregateID,
		Time:            event.Time.UTC(),
		Tenant:          event.Tenant,
		Sequence:        fmt.Sprint(event.Version),
		TraceParent:     event.TraceParent,
		TraceState:      event.TraceState,
		DataContentType: "application/json",
		Data:            event.Data,
	})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	if event.TraceParent != "" {
		req.Header.Set("Traceparent", event.TraceParent)
		req.Header.Set("Tracestate", event.TraceState)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	// Read to the end, so that the connection can be used again.
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("consumer answered %d", resp.StatusCode)
	}
	return nil
}
