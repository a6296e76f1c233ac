// Package config reads settings from the environment, which is the only place that they come from: nothing here has a
// default. What is the same for every deployment of an image stands in the Dockerfile's ENV.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Serve is what taking events and answering queries takes.
type Serve struct {
	DatabaseURL string     `env:"DATABASE_URL,required,notEmpty"`
	HTTPAddress string     `env:"HTTP_ADDRESS,required,notEmpty"`
	LogLevel    slog.Level `env:"LOG_LEVEL,required,notEmpty"`
	// DrainDelay lets load balancers see that the process is not ready any more before it refuses work.
	DrainDelay time.Duration `env:"DRAIN_DELAY,required,notEmpty"`
	// DrainTimeout is for work in flight, the delay included.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT,required,notEmpty"`
}

// Migrate is what bringing the schema up to date takes.
type Migrate struct {
	DatabaseURL string `env:"DATABASE_URL,required,notEmpty"`
}

// Settings are what one command takes.
type Settings interface {
	Serve | Migrate
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

func (Migrate) check() error { return nil }

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
