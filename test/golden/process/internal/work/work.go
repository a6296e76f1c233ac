// Package work is whoever does the work that the process requests.
package work

import "context"

// Order is a request for a piece of work.
type Order struct {
	// ID is the same however often the order is sent, and correlates the message that the work is done.
	ID string `json:"id"`
	// Tenant is for whom it is done.
	Tenant string `json:"tenant"`
	// Subject is what it is about.
	Subject string `json:"subject"`
}

// Service takes orders.
type Service interface {
	// Request orders work. An order that is known already changes nothing.
	Request(ctx context.Context, order Order) error
	// Cancel takes an order back. One that is done or unknown changes nothing.
	Cancel(ctx context.Context, id string) error
}
