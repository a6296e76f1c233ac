// Package source is how domain/orders names its events, and what is in them.
package source

import "time"

// Source is the CloudEvents source of all of them.
const Source = "/domain/orders"

// The types. Add those that a new version of the proto brings; they are logged as ignored until then.
const (
	Created = "acme.domain.orders.v1.OrderCreated"
	Renamed = "acme.domain.orders.v1.OrderRenamed"
)

// SubjectPrefix is before the id in the CloudEvents subject.
const SubjectPrefix = "order/"

// Data is that of both, in the JSON of protobuf.
type Data struct {
	Entity struct {
		ID         string    `json:"id"`
		Title      string    `json:"title"`
		Version    int64     `json:"version,string"`
		CreateTime time.Time `json:"createTime"`
	} `json:"order"`
}
