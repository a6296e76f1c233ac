// Package model is what is known here of orders.
package model

import (
	"errors"
	"time"
)

// ErrNotFound says that the tenant has nothing of this id.
var ErrNotFound = errors.New("order not found")

// Order is one row of the read model.
type Order struct {
	Tenant  string
	ID      string
	Title   string
	Version int64
	Created time.Time
}
