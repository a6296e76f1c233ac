// Package config reads settings from the environment, which is the only place that they come from. What differs between
// deployments has no default: a start names all of it that is missing.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/acme/app/primitives/projection/orders/internal/credentials"
)

// Serve is what taking events and answering queries takes.
type Serve struct {
	Database
	// Callers may send events and make queries; what they say of tenant and events is believed.
	Callers     credentials.Callers `env:"ACCEPT_CALLERS,required,notEmpty"`
	HTTPAddress string              `env:"HTTP_ADDRESS,notEmpty" envDefault:":8080"`
	LogLevel    slog.Level          `env:"LOG_LEVEL,notEmpty" envDefault:"INFO"`
	// DrainDelay lets load balancers see that the process is not ready any more before it refuses work.
	DrainDelay time.Duration `env:"DRAIN_DELAY,notEmpty" envDefault:"0s"`
	// DrainTimeout is for work in flight, the delay included.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT,notEmpty" envDefault:"10s"`
}

// Database is what working on the database alone takes.
type Database struct {
	DatabaseURL string `env:"DATABASE_URL,required,notEmpty"`
}

// Settings are what one command takes.
type Settings interface {
	Serve | Database
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

func (Database) check() error { return nil }

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
