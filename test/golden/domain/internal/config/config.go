// Package config reads settings from the environment, which is the only place that they come from. What differs between
// deployments has no default: a start names all of it that is missing.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/acme/app/primitives/domain/orders/internal/credentials"
)

// Serve is what answering calls takes.
type Serve struct {
	Database
	Process
	// Callers may make calls; what they say of tenant and subject is believed.
	Callers     credentials.Callers `env:"ACCEPT_CALLERS,required,notEmpty"`
	GRPCAddress string              `env:"GRPC_ADDRESS,notEmpty" envDefault:":9090"`
	// DrainDelay lets load balancers see that the process is not ready any more before it refuses work.
	DrainDelay time.Duration `env:"DRAIN_DELAY,notEmpty" envDefault:"0s"`
}

// Dispatch is what delivering events takes.
type Dispatch struct {
	Database
	Process
	EventsURL Address `env:"EVENTS_URL,required,notEmpty"`
	// ServiceToken is the file of the token that goes along with events; none by default.
	ServiceToken string        `env:"SERVICE_TOKEN_FILE"`
	PollInterval time.Duration `env:"POLL_INTERVAL,notEmpty" envDefault:"1s"`
}

// Database is what working on the database alone takes.
type Database struct {
	DatabaseURL string `env:"DATABASE_URL,required,notEmpty"`
}

// Process is what every process that keeps running takes.
type Process struct {
	HTTPAddress string     `env:"HTTP_ADDRESS,notEmpty" envDefault:":8080"`
	LogLevel    slog.Level `env:"LOG_LEVEL,notEmpty" envDefault:"INFO"`
	// DrainTimeout is for work in flight, and for any delay before.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT,notEmpty" envDefault:"10s"`
}

// Settings are what one command takes.
type Settings interface {
	Serve | Dispatch | Database
	// check says what is wrong with values that can be read.
	check() error
}

// Load reads a T from an environment in the form of os.Environ. Its error names every variable that is missing or
// malformed.
func Load[T Settings](environ []string) (T, error) {
	settings, err := env.ParseAsWithOptions[T](env.Options{Environment: env.ToMap(environ)})
	if err != nil {
		return settings, named[T](err)
	}
	return settings, settings.check()
}

func (s Serve) check() error {
	if s.DrainDelay < 0 || s.DrainDelay >= s.DrainTimeout {
		return fmt.Errorf("DRAIN_DELAY is %v, which has to be less than the %v of DRAIN_TIMEOUT", s.DrainDelay, s.DrainTimeout)
	}
	return nil
}

func (d Dispatch) check() error {
	if d.PollInterval <= 0 || d.DrainTimeout <= 0 {
		return fmt.Errorf("POLL_INTERVAL is %v, DRAIN_TIMEOUT %v; both have to be above 0", d.PollInterval, d.DrainTimeout)
	}
	return nil
}

func (Database) check() error { return nil }

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

// named gives errors the names of variables where the library has those of fields.
func named[T any](err error) error {
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return err
	}
	var failures []error
	for _, failure := range all.Errors {
		if malformed, ok := failure.(env.ParseError); ok {
			field, _ := reflect.TypeFor[T]().FieldByName(malformed.Name)
			name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
			failure = fmt.Errorf("%s: %w", name, malformed.Err)
		}
		failures = append(failures, failure)
	}
	return errors.Join(failures...)
}
