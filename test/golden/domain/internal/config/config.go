// Package config is what each command takes. What differs between deployments has no default.
package config

import (
	"errors"
	"net/url"
	"time"

	"github.com/acme/app/primitives/domain/orders/internal/credentials"
	"github.com/acme/app/primitives/domain/orders/internal/settings"
)

// Serve is what answering calls takes.
type Serve struct {
	Database
	settings.Process
	// Callers may make calls; what they say of tenant and subject is believed.
	Callers     credentials.Callers `env:"ACCEPT_CALLERS,required,notEmpty"`
	GRPCAddress string              `env:"GRPC_ADDRESS,notEmpty" envDefault:":9090"`
}

// Dispatch is what delivering events takes.
type Dispatch struct {
	Database
	settings.Process
	EventsURL Address `env:"EVENTS_URL,required,notEmpty"`
	// ServiceToken has the token that goes along with events; none by default.
	ServiceToken credentials.File `env:"SERVICE_TOKEN_FILE"`
	PollInterval time.Duration    `env:"POLL_INTERVAL,notEmpty" envDefault:"1s"`
	// Retention is how long delivered events are kept for a replay.
	Retention time.Duration `env:"EVENT_RETENTION,notEmpty" envDefault:"720h"`
}

// Database is what working on the database alone takes.
type Database struct {
	DatabaseURL string `env:"DATABASE_URL,required,notEmpty"`
}

// Address is an HTTP URL.
type Address string

// UnmarshalText implements encoding.TextUnmarshaler. Its error does not repeat what may hold credentials.
func (a *Address) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	if err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Host == "" {
		return errors.New("not an address such as https://broker.example.com/events")
	}
	*a = Address(text)
	return nil
}
