// Package config reads settings from the environment, which is the only place that they come from: nothing here has a
// default. What is the same for every deployment of an image stands in the Dockerfile's ENV.
package config

import (
	"log/slog"
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

// Load reads a T from an environment in the form of os.Environ. Its error names every variable that is missing.
func Load[T Serve | Migrate](environ []string) (T, error) {
	return env.ParseAsWithOptions[T](env.Options{Environment: env.ToMap(environ)})
}
