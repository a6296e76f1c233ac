package query

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/acme/app/primitives/projection/orders/internal/caller"
)

// forTenant answers with next only what one tenant asks, in the header Tenant-Id, in words that can be text of the
// database, and logs who asks. Two tenants are none: one of them may be what somebody outside said of themselves.
func (a *API) forTenant(next func(w http.ResponseWriter, r *http.Request, tenant string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		tenants, subject := r.Header.Values("Tenant-Id"), r.Header.Get("Subject-Id")
		if len(tenants) != 1 || !caller.IsName(tenants[0]) || (subject != "" && !caller.IsName(subject)) {
			http.Error(w, "the header Tenant-Id must be given once, as Subject-Id in 1 to 200 visible characters", http.StatusBadRequest)
			return
		}
		query, err := url.QueryUnescape(r.URL.RawQuery)
		if asked := r.URL.Path + query; err != nil || !utf8.ValidString(asked) || strings.Contains(asked, "\x00") {
			http.Error(w, "the query is no text", http.StatusBadRequest)
			return
		}
		from := caller.Caller{Tenant: tenants[0], Subject: subject}
		from.TraceParent, from.TraceState = caller.Trace(r.Header.Get("Traceparent"), strings.Join(r.Header.Values("Tracestate"), ","))
		a.Log.LogAttrs(r.Context(), slog.LevelInfo, "query", append(from.LogAttrs(), slog.String("path", r.URL.Path))...)
		next(w, r.WithContext(caller.With(r.Context(), from)), from.Tenant)
	}
}
