module github.com/acme/app/primitives/process/orders

go 1.26.0

require (
	github.com/caarlos0/env/v11 v11.4.1
	github.com/google/go-cmp v0.7.0
	golang.org/x/oauth2 v0.37.0
	golang.org/x/sync v0.24.0
)
