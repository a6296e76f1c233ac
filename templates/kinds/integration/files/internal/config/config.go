// Package config reads settings from the environment, which is the only place that they come from: nothing here has a
// default. What is the same for every deployment of an image stands in the Dockerfile's ENV.
package config

import (
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"time"

	"github.com/caarlos0/env/v11"
)

// Serve is what serving over HTTP takes.
type Serve struct {
	Backend
	// Resource is the address of this server for its clients, and so the audience that their tokens must have.
	Resource Resource `env:"RESOURCE_URL,required,notEmpty"`
	// IssuerURL is who issues the tokens.
	IssuerURL string `env:"ISSUER_URL,required,notEmpty"`
	// AllowedOrigins are the web pages that may call; none is fine.
	AllowedOrigins []Origin   `env:"ALLOWED_ORIGINS,required"`
	HTTPAddress    string     `env:"HTTP_ADDRESS,required,notEmpty"`
	LogLevel       slog.Level `env:"LOG_LEVEL,required,notEmpty"`
	// DrainDelay lets load balancers see that the process is not ready any more before it refuses work.
	DrainDelay time.Duration `env:"DRAIN_DELAY,required,notEmpty"`
	// DrainTimeout is for work in flight, the delay included.
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT,required,notEmpty"`
}

// Stdio is what serving the process that started this one takes. That process says for whom it works.
type Stdio struct {
	Backend
	Tenant   string     `env:"TENANT_ID,required,notEmpty"`
	Subject  string     `env:"SUBJECT,required,notEmpty"`
	LogLevel slog.Level `env:"LOG_LEVEL,required,notEmpty"`
}

// Backend is where the tools' calls go.
type Backend struct {
	QueryURL   string `env:"QUERY_URL,required,notEmpty"`
	RequestURL string `env:"REQUEST_URL,required,notEmpty"`
}

// Load reads a T from an environment in the form of os.Environ. Its error names every variable that is missing.
func Load[T Serve | Stdio](environ []string) (T, error) {
	return env.ParseAsWithOptions[T](env.Options{Environment: env.ToMap(environ)})
}

// Resource is the URL of an MCP server.
type Resource struct{ url.URL }

var path = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Resource) UnmarshalText(text []byte) error {
	parsed, err := parse(string(text))
	if err != nil || !path.MatchString(parsed.Path) {
		return fmt.Errorf("RESOURCE_URL is %q, not an address such as https://tools.example.com/mcp", text)
	}
	r.URL = *parsed
	return nil
}

// Origin is where a web page comes from, as browsers say it in the header Origin.
type Origin string

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Origin) UnmarshalText(text []byte) error {
	parsed, err := parse(string(text))
	if err != nil || parsed.Path != "" {
		return fmt.Errorf("ALLOWED_ORIGINS has %q, which is no origin such as https://app.example.com", text)
	}
	*o = Origin(text)
	return nil
}

// parse returns a URL that has scheme, host and path only.
func parse(text string) (*url.URL, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	plain := url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path}
	if (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Host == "" || plain.String() != text {
		return nil, fmt.Errorf("%q is not an HTTP address", text)
	}
	return parsed, nil
}
