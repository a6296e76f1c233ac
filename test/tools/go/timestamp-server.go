// Command loopback-timestamp-server is Sigstore's timestamp authority with a
// signing key in memory. Upstream's command opens a metrics listener on a fixed
// port of all interfaces, so only one of it can run on a machine; this one
// listens on its own loopback port and on nothing else.
package main

import (
	"flag"
	"fmt"
	"log"
	"runtime/debug"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

const authority = "github.com/sigstore/timestamp-authority/v2"

func main() {
	port := flag.Int("port", 0, "the port to listen on")
	flag.Parse()
	if flag.Arg(0) == "version" {
		fmt.Println("GitVersion:", version())
		return
	}
	if *port == 0 {
		log.Fatal("--port is missing")
	}
	for setting, value := range map[string]any{
		"timestamp-signer":         "memory",
		"timestamp-signer-hash":    "sha256",
		"default-policy-oid":       "1.3.6.1.4.1.57264.2",
		"accepted-policy-oids":     []string{"1.3.6.1.4.1.57264.2"},
		"enforce-intermediate-eku": true,
		"max-request-body-size":    uint64(1 << 20),
	} {
		viper.Set(setting, value)
	}
	timeout := 30 * time.Second
	api := server.NewRestAPIServer("127.0.0.1", *port, []string{"http"}, false, timeout, timeout)
	if err := api.Serve(); err != nil {
		log.Fatal(err)
	}
}

// version is the authority's own, as pinned in go.mod.
func version() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == authority {
				return module.Version
			}
		}
	}
	return "unknown"
}
