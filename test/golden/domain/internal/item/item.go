// Package item holds what the domain knows of its items, without any transport or storage.
package item

import (
	"errors"
	"time"
)

// ErrNotFound says that the tenant has no such item.
var ErrNotFound = errors.New("item not found")

// Item is one thing that a tenant keeps here.
type Item struct {
	Tenant string
	ID     string
	Title  string
	// Version begins at 1 and grows by 1 with each change.
	Version int64
	Created time.Time
}
