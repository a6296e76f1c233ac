// Package config reads settings from the environment, which is the only place that they come from: nothing here has a
// default. What is the same for every deployment of an image stands in the Dockerfile's ENV.
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
)

// Serve is what answering calls takes.
type Serve struct {
	Process
	DatabaseURL string `env:"DATABASE_URL,required,notEmpty"`
	GRPCAddress string `env:"GRPC_ADDRESS,required,notEmpty"`
	// DrainDelay lets load balancers see that the process is not ready any more before it refuses work.
	DrainDelay time.Duration `env:"DRAIN_DELAY,required,notEmpty"`
}

// Dispatch is what delivering events takes.
type Dispatch struct {
	Process
	DatabaseURL  string        `env:"DATABASE_URL,required,notEmpty"`
	EventsURL    Address       `env:"EVENTS_URL,required,notEmpty"`
	PollInterval time.Duration `env:"POLL_INTERVAL,required,notEmpty"`
}

// Migrate is what bringing the schema up to date takes.
type Migrate struct {
	DatabaseURL string `env:"DATABASE_URL,required,notEmpty"`
}

// Process is what every process that keeps running takes.
type Process struct {
	HTTPAddress string     `env:"HTTP_ADDRESS,required,notEmpty"`
	LogLevel    slog.Level `env:"LOG_LEVEL,required,notEmpty"`
	// DrainTimeout is for work in flight, and for any delay before.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT,required,notEmpty"`
}

// Settings are what one command takes.
type Settings interface {
	Serve | Dispatch | Migrate
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

func (Migrate) check() error { return nil }

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
