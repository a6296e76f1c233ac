package settings

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type sample struct {
	Process
	Name string `env:"NAME,required,notEmpty"`
}

func TestLoad(t *testing.T) {
	for _, test := range []struct {
		environ []string
		want    sample
	}{
		{
			[]string{"NAME=a", "HTTP_ADDRESS=:8081", "LOG_LEVEL=WARN", "DRAIN_DELAY=1s", "DRAIN_TIMEOUT=11s"},
			sample{Process{":8081", 4, Delay(time.Second), 11 * time.Second}, "a"},
		},
		{[]string{"NAME=a"}, sample{Process{":8080", 0, 0, 10 * time.Second}, "a"}},
	} {
		got, err := Load[sample](test.environ)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("Load(%q) error = %v, differs (-want +got):\n%s", test.environ, err, diff)
		}
	}
}

func TestLoad_NamesInvalidVariables(t *testing.T) {
	for _, setting := range []string{
		"NAME=", "LOG_LEVEL=loud", "DRAIN_DELAY=3", "DRAIN_DELAY=10s", "DRAIN_DELAY=-1s",
		"DRAIN_TIMEOUT=0s", "DRAIN_TIMEOUT=10",
	} {
		_, err := Load[sample]([]string{"NAME=a", setting})
		name, _, _ := strings.Cut(setting, "=")
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Load() with %s: error = %v, want one that names %s alone", setting, err, name)
		}
	}
	_, err := Load[sample]([]string{"LOG_LEVEL=loud", "DRAIN_DELAY=1m"})
	for _, name := range []string{"NAME", "LOG_LEVEL", "DRAIN_DELAY"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Load() error = %v, want one that names %s, too", err, name)
		}
	}
}
