// Package config reads settings from the environment, which is the only place that they come from: nothing here has a
// default. What is the same for every deployment of an image stands in the Dockerfile's ENV.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/caarlos0/env/v11"
)

// Engine is how the process engine is reached.
type Engine struct {
	URL url.URL `env:"ENGINE_URL,required,notEmpty"`
	// Auth is none, basic or oauth. The settings of the one that is chosen are needed, those of others are not read.
	Auth  string `env:"ENGINE_AUTH,required,notEmpty"`
	Basic Basic  `env:"-"`
	OAuth OAuth  `env:"-"`
}

// Basic is what HTTP basic authentication takes.
type Basic struct {
	Username string `env:"ENGINE_USERNAME,required,notEmpty"`
	Password string `env:"ENGINE_PASSWORD,required,notEmpty"`
}

// OAuth is what tokens by client credentials take.
type OAuth struct {
	TokenURL     string `env:"ENGINE_TOKEN_URL,required,notEmpty"`
	ClientID     string `env:"ENGINE_CLIENT_ID,required,notEmpty"`
	ClientSecret string `env:"ENGINE_CLIENT_SECRET,required,notEmpty"`
	Audience     string `env:"ENGINE_AUDIENCE,required,notEmpty"`
}

// Serve is what doing jobs and taking in messages takes.
type Serve struct {
	Engine
	WorkURL     url.URL    `env:"WORK_URL,required,notEmpty"`
	HTTPAddress string     `env:"HTTP_ADDRESS,required,notEmpty"`
	LogLevel    slog.Level `env:"LOG_LEVEL,required,notEmpty"`
	// MaxJobs is how many jobs of one type are in hand at most.
	MaxJobs int `env:"MAX_JOBS,required,notEmpty"`
	// JobTimeout is how long the engine locks a job for this process.
	JobTimeout time.Duration `env:"JOB_TIMEOUT,required,notEmpty"`
	// MessageTTL is how long the engine keeps a message for an instance that does not wait yet.
	MessageTTL time.Duration `env:"MESSAGE_TTL,required,notEmpty"`
	// DrainDelay lets load balancers see that the process is not ready any more before it refuses work.
	DrainDelay time.Duration `env:"DRAIN_DELAY,required,notEmpty"`
	// DrainTimeout is for work in flight, the delay included.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT,required,notEmpty"`
}

// Deploy is what bringing the model to the engine takes.
type Deploy struct {
	Engine
}

// LoadServe reads the settings from an environment in the form of os.Environ. Its error names every variable that is
// missing or of no use.
func LoadServe(environ []string) (Serve, error) {
	options := env.Options{Environment: env.ToMap(environ)}
	settings, err := env.ParseAsWithOptions[Serve](options)
	if err != nil {
		return settings, err
	}
	for name, value := range map[string]int64{
		"MAX_JOBS": int64(settings.MaxJobs), "JOB_TIMEOUT": int64(settings.JobTimeout), "MESSAGE_TTL": int64(settings.MessageTTL),
	} {
		if value <= 0 {
			return settings, fmt.Errorf("%s must be more than zero", name)
		}
	}
	if err := checkURL("WORK_URL", settings.WorkURL); err != nil {
		return settings, err
	}
	return settings, settings.authorize(options)
}

// LoadDeploy is LoadServe for what deploying takes.
func LoadDeploy(environ []string) (Deploy, error) {
	options := env.Options{Environment: env.ToMap(environ)}
	settings, err := env.ParseAsWithOptions[Deploy](options)
	if err != nil {
		return settings, err
	}
	return settings, settings.authorize(options)
}

func (e *Engine) authorize(options env.Options) (err error) {
	if err := checkURL("ENGINE_URL", e.URL); err != nil {
		return err
	}
	switch e.Auth {
	case "none":
	case "basic":
		e.Basic, err = env.ParseAsWithOptions[Basic](options)
	case "oauth":
		e.OAuth, err = env.ParseAsWithOptions[OAuth](options)
	default:
		err = errors.New("ENGINE_AUTH must be none, basic or oauth")
	}
	return err
}

func checkURL(name string, value url.URL) error {
	if value.Scheme != "http" && value.Scheme != "https" || value.Host == "" {
		return fmt.Errorf("%s must be an address such as https://zeebe.example.com", name)
	}
	return nil
}
