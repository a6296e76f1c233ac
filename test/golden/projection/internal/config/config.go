// Package config is what each command takes. What differs between deployments has no default.
package config

import (
	"github.com/acme/app/primitives/projection/orders/internal/credentials"
	"github.com/acme/app/primitives/projection/orders/internal/settings"
)

// Serve is what taking events and answering queries takes.
type Serve struct {
	Database
	settings.Process
	// Callers may send events and make queries; what they say of tenant and events is believed.
	Callers credentials.Callers `env:"ACCEPT_CALLERS,required,notEmpty"`
}

// Database is what working on the database alone takes.
type Database struct {
	DatabaseURL string `env:"DATABASE_URL,required,notEmpty"`
}
