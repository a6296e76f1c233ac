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

// Tombstone is the type of an event that was given up. It only holds its place in the sequence.
const Tombstone = "primitive.tombstone.v1"

// HTTPPublisher posts events as CloudEvents 1.0 in structured mode, one per request. A 2xx response acknowledges an
// event; 400 and 413 refuse it permanently; without a connection, and after 401, 403, 429, 502, 503 and 504, the consumer
// takes no events at all. Use [NewHTTPPublisher].
type HTTPPublisher struct {
	client      *http.Client
	url, source string
}

// NewHTTPPublisher returns a publisher that posts to url with the given CloudEvents source.
func NewHTTPPublisher(client *http.Client, url, source string) *HTTPPublisher {
	return &HTTPPublisher{client, url, source}
}

// cloudEvent has the core attributes of CloudEvents and the extensions for partitioning, sequence, auth context and
// distributed tracing; streamstart marks an event whose predecessor is not sent.
type cloudEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"`
	Time            time.Time       `json:"time"`
	Tenant          string          `json:"tenant"`
	Sequence        string          `json:"sequence"`
	StreamStart     bool            `json:"streamstart,omitempty"`
	AuthType        string          `json:"authtype,omitempty"`
	AuthID          string          `json:"authid,omitempty"`
	TraceParent     string          `json:"traceparent,omitempty"`
	TraceState      string          `json:"tracestate,omitempty"`
	RequestID       string          `json:"requestid,omitempty"`
	DataContentType string          `json:"datacontenttype,omitempty"`
	Data            json.RawMessage `json:"data,omitempty"`
}

// ContentType is the media type of [Event.CloudEvent].
const ContentType = "application/cloudevents+json"

// CloudEvent returns the event as a CloudEvent 1.0 of a source in JSON, as it is in structured mode.
func (event Event) CloudEvent(source string) ([]byte, error) {
	message := cloudEvent{
		SpecVersion:     "1.0",
		ID:              event.ID,
		Source:          source,
		Type:            event.Type,
		Subject:         event.AggregateType + "/" + event.AggregateID,
		Time:            event.Time.UTC(),
		Tenant:          event.Tenant,
		Sequence:        fmt.Sprint(event.Sequence),
		StreamStart:     event.First,
		TraceParent:     event.TraceParent,
		TraceState:      event.TraceState,
		RequestID:       event.Request,
		DataContentType: "application/json",
		Data:            event.Data,
	}
	if event.Actor != "" {
		message.AuthType, message.AuthID = "unknown", event.Actor
	}
	if event.Tombstone {
		message.Type, message.DataContentType, message.Data = Tombstone, "", nil
	}
	return json.Marshal(message)
}

// Publish implements [Publisher].
func (p *HTTPPublisher) Publish(ctx context.Context, event Event) error {
	body, err := event.CloudEvent(p.source)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", ContentType)
	if event.TraceParent != "" {
		req.Header.Set("Traceparent", event.TraceParent)
		req.Header.Set("Tracestate", event.TraceState)
	}
	resp, err := p.client.Do(req)
	// Without an answer in time the fault may be this event's.
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	// Read the whole body, so that the connection can be reused.
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 == 2 {
		return nil
	}
	err = fmt.Errorf("consumer answered %d: %.200s", resp.StatusCode, bytes.TrimSpace(answer))
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return err
	}
}
