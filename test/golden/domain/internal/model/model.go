// Package model is what the domain knows of its orders, without any transport or storage.
package model

import (
	"errors"
	"time"
)

var (
	// ErrNotFound says that the tenant has nothing of this id.
	ErrNotFound = errors.New("order not found")
	// ErrConflict says that it has changed since it was read.
	ErrConflict = errors.New("order has changed meanwhile")
)

// Order is one thing that a tenant keeps here.
type Order struct {
	Tenant string
	ID     string
	Title  string
	// Version begins at 1 and grows by 1 with each change.
	Version int64
	Created time.Time
}

// Now is the time, as exact as Postgres keeps it: what is answered now is what is read later.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
