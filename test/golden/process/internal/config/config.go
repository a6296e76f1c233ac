// Package config reads settings from the environment. What differs between deployments has no default.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/acme/app/primitives/process/orders/internal/credentials"
)

// Engine is how the process engine is reached.
type Engine struct {
	URL  url.URL `env:"ENGINE_URL,required,notEmpty"`
	Auth Auth    `env:"ENGINE_AUTH,required,notEmpty"`
	// Tenants are those of the engine that this process works for; none in an engine without tenants.
	Tenants []string `env:"ENGINE_TENANTS"`
	// The settings of the one that Auth chooses are needed, those of others are not read.
	Basic Basic `env:"-"`
	OAuth OAuth `env:"-"`
}

// Basic is what HTTP basic authentication takes.
type Basic struct {
	Username string `env:"ENGINE_USERNAME,required,notEmpty"`
	Password string `env:"ENGINE_PASSWORD,required,notEmpty"`
}

// OAuth is what tokens by client credentials take.
type OAuth struct {
	TokenURL     url.URL `env:"ENGINE_TOKEN_URL,required,notEmpty"`
	ClientID     string  `env:"ENGINE_CLIENT_ID,required,notEmpty"`
	ClientSecret string  `env:"ENGINE_CLIENT_SECRET,required,notEmpty"`
	Audience     string  `env:"ENGINE_AUDIENCE,required,notEmpty"`
}

// Serve is what doing jobs and taking in messages takes.
type Serve struct {
	Engine
	HTTPAddress string     `env:"HTTP_ADDRESS,notEmpty" envDefault:":8080"`
	LogLevel    slog.Level `env:"LOG_LEVEL,notEmpty" envDefault:"INFO"`
	// Callers may send messages; what they say of the caller is believed.
	Callers credentials.Callers `env:"ACCEPT_CALLERS,required,notEmpty"`
	// WorkURL is the method of a domain that does the work.
	WorkURL url.URL `env:"WORK_URL,required,notEmpty"`
	// ServiceToken is the file with the token that this process sends to it.
	ServiceToken string `env:"SERVICE_TOKEN_FILE"`
	// MaxJobs is how many jobs of one type are in hand at most.
	MaxJobs int `env:"MAX_JOBS,notEmpty" envDefault:"16"`
	// JobTimeout is how long the engine locks a job for this process.
	JobTimeout time.Duration `env:"JOB_TIMEOUT,notEmpty" envDefault:"1m"`
	// RetryBackoff is how long a failed job rests before it is tried again.
	RetryBackoff time.Duration `env:"RETRY_BACKOFF,notEmpty" envDefault:"10s"`
	// MessageTTL is how long the engine keeps a message for an instance that does not wait yet.
	MessageTTL time.Duration `env:"MESSAGE_TTL,notEmpty" envDefault:"1h"`
	// DrainDelay lets load balancers see that the process is not ready any more before it refuses work.
	DrainDelay Delay `env:"DRAIN_DELAY,notEmpty" envDefault:"0s"`
	// DrainTimeout is for work in flight, the delay included.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT,notEmpty" envDefault:"10s"`
}

// Deploy is what bringing the model to the engine takes.
type Deploy struct {
	Engine
}

// LoadServe reads the settings from an environment in the form of os.Environ. Its error names every variable that is
// missing or of no use.
func LoadServe(environ []string) (Serve, error) {
	settings, err := parse[Serve](environ)
	err = errors.Join(err, settings.authorize(environ))
	// Without a timeout the error names it already.
	if delay := time.Duration(settings.DrainDelay); settings.DrainTimeout > 0 && delay >= settings.DrainTimeout {
		err = errors.Join(err, fmt.Errorf("DRAIN_DELAY: %v is not less than the %v of DRAIN_TIMEOUT", delay, settings.DrainTimeout))
	}
	return settings, err
}

// LoadDeploy is LoadServe for what deploying takes.
func LoadDeploy(environ []string) (Deploy, error) {
	settings, err := parse[Deploy](environ)
	return settings, errors.Join(err, settings.authorize(environ))
}

func (e *Engine) authorize(environ []string) (err error) {
	switch e.Auth {
	case "basic":
		e.Basic, err = parse[Basic](environ)
	case "oauth":
		e.OAuth, err = parse[OAuth](environ)
	}
	return err
}

// Auth is how requests to the engine are authorized: none, basic or oauth.
type Auth string

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Auth) UnmarshalText(text []byte) error {
	switch *a = Auth(text); *a {
	case "none", "basic", "oauth":
		return nil
	}
	return errors.New("neither none, basic nor oauth")
}

// Delay is a time that may be zero; all others may not.
type Delay time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Delay) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil || parsed < 0 {
		return errors.New("no time such as 3s")
	}
	*d = Delay(parsed)
	return nil
}

var parsers = map[reflect.Type]env.ParserFunc{
	reflect.TypeFor[url.URL](): func(text string) (any, error) {
		parsed, err := url.Parse(text)
		if err == nil {
			// Whatever else it has may be a secret, so that errors leave it out.
			plain := url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path, RawPath: parsed.RawPath}
			if (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Hostname() != "" && plain.String() == parsed.String() {
				return plain, nil
			}
		}
		return nil, errors.New("no address such as https://example.com/path, with nothing more than a path")
	},
	reflect.TypeFor[time.Duration](): func(text string) (any, error) {
		parsed, err := time.ParseDuration(text)
		if err != nil || parsed < time.Second {
			return nil, errors.New("no time such as 10s, of at least 1s")
		}
		return parsed, nil
	},
	reflect.TypeFor[int](): func(text string) (any, error) {
		parsed, err := strconv.Atoi(text)
		if err != nil || parsed < 1 || parsed > 1000 {
			return nil, errors.New("no number from 1 to 1000")
		}
		return parsed, nil
	},
}

// parse reads a T. Its error has the names of variables where the library has those of fields.
func parse[T any](environ []string) (T, error) {
	settings, err := env.ParseAsWithOptions[T](env.Options{Environment: env.ToMap(environ), FuncMap: parsers})
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return settings, err
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
	return settings, errors.Join(failures...)
}
