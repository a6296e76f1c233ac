// Package settings reads settings from environment variables, their only source.
package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Process holds the settings of a long-running process.
type Process struct {
	HTTPAddress string     `env:"HTTP_ADDRESS,notEmpty" envDefault:":8080"`
	LogLevel    slog.Level `env:"LOG_LEVEL,notEmpty" envDefault:"INFO"`
	// DrainDelay is the time between not being ready and refusing work, so that load balancers stop sending requests.
	DrainDelay Delay `env:"DRAIN_DELAY,notEmpty" envDefault:"0s"`
	// DrainTimeout is the limit for the whole shutdown, including DrainDelay.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT,notEmpty" envDefault:"10s"`
}

func (p Process) check() error {
	// A malformed timeout is already reported.
	if delay := time.Duration(p.DrainDelay); p.DrainTimeout > 0 && (delay < 0 || delay >= p.DrainTimeout) {
		return fmt.Errorf("DRAIN_DELAY: %v must be at least 0 and less than DRAIN_TIMEOUT (%v)", delay, p.DrainTimeout)
	}
	return nil
}

// Delay is a duration that may be zero; a time.Duration setting must be positive.
type Delay time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Delay) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Delay(parsed)
	return err
}

var parsers = map[reflect.Type]env.ParserFunc{
	reflect.TypeFor[time.Duration](): func(text string) (any, error) {
		parsed, err := time.ParseDuration(text)
		if err == nil && parsed <= 0 {
			err = errors.New("must be greater than 0")
		}
		return parsed, err
	},
}

// Load reads a T, a struct with caarlos0/env tags, from environment variables in the form of os.Environ. The error names
// every missing or malformed variable.
func Load[T any](environ []string) (T, error) {
	loaded, err := env.ParseAsWithOptions[T](env.Options{Environment: env.ToMap(environ), FuncMap: parsers})
	err = named[T](err)
	if process, ok := any(loaded).(interface{ check() error }); ok {
		err = errors.Join(err, process.check())
	}
	return loaded, err
}

// named replaces field names in the library's errors by the names of variables.
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
