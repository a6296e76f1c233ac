package query

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// forTenant answers with next only what one tenant asks, in the header Tenant-Id, in words that can be text of the
// database. Two tenants are none: one of them may be what somebody outside said of themselves.
func forTenant(next func(w http.ResponseWriter, r *http.Request, tenant string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		tenants := r.Header.Values("Tenant-Id")
		if len(tenants) != 1 || tenants[0] == "" {
			http.Error(w, "the header Tenant-Id must be given once", http.StatusBadRequest)
			return
		}
		query, err := url.QueryUnescape(r.URL.RawQuery)
		if asked := tenants[0] + r.URL.Path + query; err != nil || !utf8.ValidString(asked) || strings.Contains(asked, "\x00") {
			http.Error(w, "the query is no text", http.StatusBadRequest)
			return
		}
		next(w, r, tenants[0])
	}
}
