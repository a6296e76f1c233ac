// Package settings reads what a process is told by its environment, which is the only place that settings come from.
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

// Process is what a process takes that keeps running.
type Process struct {
	HTTPAddress string     `env:"HTTP_ADDRESS,notEmpty" envDefault:":8080"`
	LogLevel    slog.Level `env:"LOG_LEVEL,notEmpty" envDefault:"INFO"`
	// DrainDelay lets load balancers see that a server is not ready any more before it refuses work.
	DrainDelay Delay `env:"DRAIN_DELAY,notEmpty" envDefault:"0s"`
	// DrainTimeout is for work in flight, the delay included.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT,notEmpty" envDefault:"10s"`
}

func (p Process) check() error {
	// A timeout that is malformed has been named already.
	if delay := time.Duration(p.DrainDelay); p.DrainTimeout > 0 && (delay < 0 || delay >= p.DrainTimeout) {
		return fmt.Errorf("DRAIN_DELAY: %v is not between 0 and the %v of DRAIN_TIMEOUT", delay, p.DrainTimeout)
	}
	return nil
}

// Delay is a time that may be zero; any other may not.
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
			err = errors.New("not above 0")
		}
		return parsed, err
	},
}

// Load reads a T, a struct with tags of caarlos0/env, from an environment in the form of os.Environ. Its error names every
// variable that is missing or malformed.
func Load[T any](environ []string) (T, error) {
	loaded, err := env.ParseAsWithOptions[T](env.Options{Environment: env.ToMap(environ), FuncMap: parsers})
	err = named[T](err)
	if process, ok := any(loaded).(interface{ check() error }); ok {
		err = errors.Join(err, process.check())
	}
	return loaded, err
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
