package config

import (
	"strings"
	"testing"

	"github.com/acme/app/primitives/domain/orders/internal/settings"
)

func TestEventsNeedAddress(t *testing.T) {
	for address, valid := range map[string]bool{
		"http://localhost/events": true, "https://broker.example.com/events?topic=orders": true,
		"broker": false, "ftp://broker/": false, "https://": false, "https://hush\x7f@broker/": false,
	} {
		_, err := settings.Load[Dispatch]([]string{"DATABASE_URL=postgres://localhost/db", "EVENTS_URL=" + address})
		if (err == nil) != valid || err != nil && (!strings.HasPrefix(err.Error(), "EVENTS_URL: ") || strings.Contains(err.Error(), "hush")) {
			t.Errorf("Load() with the address %q: error = %v, want one that names EVENTS_URL: %v", address, err, !valid)
		}
	}
}
