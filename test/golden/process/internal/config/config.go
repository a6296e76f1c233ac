// Package config is what each command takes. What differs between deployments has no default.
package config

import (
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/acme/app/primitives/process/orders/internal/credentials"
	"github.com/acme/app/primitives/process/orders/internal/settings"
)

// Engine is how the process engine is reached.
type Engine struct {
	URL  Address `env:"ENGINE_URL,required,notEmpty"`
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
	TokenURL     Address `env:"ENGINE_TOKEN_URL,required,notEmpty"`
	ClientID     string  `env:"ENGINE_CLIENT_ID,required,notEmpty"`
	ClientSecret string  `env:"ENGINE_CLIENT_SECRET,required,notEmpty"`
	Audience     string  `env:"ENGINE_AUDIENCE,required,notEmpty"`
}

// Serve is what doing jobs and taking in messages takes.
type Serve struct {
	Engine
	settings.Process
	// Callers may send messages; what they say of the caller is believed.
	Callers credentials.Callers `env:"ACCEPT_CALLERS,required,notEmpty"`
	// WorkURL is the method of a domain that does the work.
	WorkURL Address `env:"WORK_URL,required,notEmpty"`
	// ServiceToken is the file with the token that this process sends to it.
	ServiceToken credentials.File `env:"SERVICE_TOKEN_FILE"`
	// MaxJobs is how many jobs of one type are in hand at most.
	MaxJobs Count `env:"MAX_JOBS,notEmpty" envDefault:"16"`
	// JobTimeout is how long the engine locks a job for this process.
	JobTimeout time.Duration `env:"JOB_TIMEOUT,notEmpty" envDefault:"1m"`
	// RetryBackoff is how long a failed job rests before it is tried again.
	RetryBackoff time.Duration `env:"RETRY_BACKOFF,notEmpty" envDefault:"10s"`
	// MessageTTL is how long the engine keeps a message for an instance that does not wait yet.
	MessageTTL time.Duration `env:"MESSAGE_TTL,notEmpty" envDefault:"1h"`
}

// Deploy is what bringing the model to the engine takes.
type Deploy struct {
	Engine
}

// LoadServe reads the settings from an environment in the form of os.Environ. Its error names every variable that is
// missing or of no use.
func LoadServe(environ []string) (Serve, error) {
	loaded, err := settings.Load[Serve](environ)
	return loaded, errors.Join(err, loaded.authorize(environ))
}

// LoadDeploy is LoadServe for what deploying takes.
func LoadDeploy(environ []string) (Deploy, error) {
	loaded, err := settings.Load[Deploy](environ)
	return loaded, errors.Join(err, loaded.authorize(environ))
}

func (e *Engine) authorize(environ []string) (err error) {
	switch e.Auth {
	case "basic":
		e.Basic, err = settings.Load[Basic](environ)
	case "oauth":
		e.OAuth, err = settings.Load[OAuth](environ)
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

// Count is a number of jobs.
type Count int

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Count) UnmarshalText(text []byte) error {
	parsed, err := strconv.Atoi(string(text))
	if err != nil || parsed < 1 || parsed > 1000 {
		return errors.New("no number from 1 to 1000")
	}
	*c = Count(parsed)
	return nil
}

// Address is an HTTP URL with no more than a path.
type Address struct{ url.URL }

// UnmarshalText implements encoding.TextUnmarshaler. What else a URL has may be a secret, so that its error leaves it out.
func (a *Address) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(string(text))
	if err == nil {
		a.URL = url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path, RawPath: parsed.RawPath}
		if (a.Scheme == "https" || a.Scheme == "http") && a.Hostname() != "" && a.String() == parsed.String() {
			return nil
		}
	}
	return errors.New("no address such as https://example.com/path, with nothing more than a path")
}
