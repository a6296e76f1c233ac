package enginetest_test

import (
	"testing"

	"github.com/acme/app/primitives/process/orders/internal/engine"
	"github.com/acme/app/primitives/process/orders/internal/engine/enginetest"
)

func TestMemoryIsAnEngine(t *testing.T) {
	enginetest.Contract(t, func(_ *testing.T, memory *enginetest.Memory) engine.Engine { return memory })
}
