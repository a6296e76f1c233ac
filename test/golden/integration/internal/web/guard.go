package web

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/acme/app/primitives/integration/orders/internal/config"
)

// guard lets requests pass that were made for this host, and by no web page but the allowed ones (CORS). That keeps
// away pages that have made their own name an address of this server (DNS rebinding). What is no browser says no origin.
func guard(log *slog.Logger, resource url.URL, origins []config.Origin, next http.Handler) http.Handler {
	served := hostOf(resource.Scheme, resource.Host)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hostOf(resource.Scheme, r.Host) != served {
			log.WarnContext(r.Context(), "host refused", "host", r.Host, "served", served)
			http.Error(w, "host not served", http.StatusForbidden)
			return
		}
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin == "" {
			next.ServeHTTP(w, r)
			return
		}
		if !slices.Contains(origins, config.Origin(origin)) {
			log.WarnContext(r.Context(), "origin refused", "origin", origin)
			http.Error(w, "origin not allowed", http.StatusForbidden)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Methods", http.MethodPost)
		w.Header().Set("Access-Control-Allow-Headers",
			"Authorization, Content-Type, Mcp-Method, Mcp-Name, Mcp-Protocol-Version, Traceparent, Tracestate")
		w.Header().Set("Access-Control-Max-Age", "7200")
		w.WriteHeader(http.StatusNoContent)
	})
}

// hostOf is a host in the form that all its spellings have in common: clients may name the port that a scheme has anyway.
func hostOf(scheme, host string) string {
	return strings.TrimSuffix(strings.ToLower(host), map[string]string{"http": ":80", "https": ":443"}[scheme])
}

// limit lets at most n requests at once pass.
func limit(n int, next http.Handler) http.Handler {
	slots := make(chan struct{}, n)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many requests at once", http.StatusServiceUnavailable)
		}
	})
}
