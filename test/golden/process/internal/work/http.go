package work

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/acme/app/primitives/process/orders/internal/caller"
)

// HTTP is a [Service] that is a method of a domain, over Connect's protocol with JSON. Use [NewHTTP].
type HTTP struct {
	client *http.Client
	method string
}

// NewHTTP returns the method at a URL. The client follows no redirect: where one leads need not do work.
func NewHTTP(method *url.URL, client *http.Client) *HTTP {
	return &HTTP{client: client, method: method.String()}
}

// Request implements [Service]. Refused is what the domain says of the work itself, with 400 or 409. Anything else is for
// people to set right, such as an address or a token, or for time.
func (h *HTTP) Request(ctx context.Context, from caller.Caller, order Order) error {
	body, err := json.Marshal(map[string]string{"requestId": order.ID, "title": order.Title})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.method, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Tenant-Id": from.Tenant, "Subject-Id": from.Subject,
		"Traceparent": from.TraceParent, "Tracestate": from.TraceState,
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	// Read to the end, so that the connection can be used again.
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	switch status := resp.StatusCode; {
	case status/100 == 2:
		return nil
	case status == http.StatusBadRequest || status == http.StatusConflict:
		return fmt.Errorf("%w: %s was answered %d: %.200q", ErrRefused, order.ID, status, answer)
	default:
		return fmt.Errorf("work %s was answered %d: %.200q", order.ID, status, answer)
	}
}
