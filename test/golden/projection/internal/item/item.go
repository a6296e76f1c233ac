// Package item holds what is known here of items.
package item

import (
	"errors"
	"time"
)

// ErrNotFound says that the tenant has no such item.
var ErrNotFound = errors.New("item not found")

// Item is one row of the read model.
type Item struct {
	Tenant  string
	ID      string
	Title   string
	Version int64
	Created time.Time
}
