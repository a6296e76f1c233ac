package work

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// HTTP is a [Service] behind a URL: PUT and DELETE on the order's id below it. Any 2xx is success, and for Cancel also
// 404. Use [NewHTTP].
type HTTP struct {
	client *http.Client
	base   *url.URL
}

// NewHTTP returns the service behind a URL.
func NewHTTP(base *url.URL) *HTTP {
	return &HTTP{base: base, client: &http.Client{
		Timeout: 10 * time.Second,
		// Where a redirection leads need not take orders, even if it answers 200.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Request implements [Service].
func (h *HTTP) Request(ctx context.Context, order Order) error {
	body, err := json.Marshal(order)
	if err != nil {
		return err
	}
	return h.send(ctx, http.MethodPut, order.ID, body)
}

// Cancel implements [Service].
func (h *HTTP) Cancel(ctx context.Context, id string) error {
	return h.send(ctx, http.MethodDelete, id, nil)
}

func (h *HTTP) send(ctx context.Context, method, id string, body []byte) error {
	// These would be another path than one of an order.
	if strings.Trim(id, ".") == "" {
		return fmt.Errorf("%q is no id of an order", id)
	}
	req, err := http.NewRequestWithContext(ctx, method, h.base.JoinPath(url.PathEscape(id)).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	// Read to the end, so that the connection can be used again.
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return err
	}
	gone := method == http.MethodDelete && resp.StatusCode == http.StatusNotFound
	if resp.StatusCode/100 != 2 && !gone {
		return fmt.Errorf("work %s: %s answered %d", id, method, resp.StatusCode)
	}
	return nil
}
