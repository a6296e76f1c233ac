// Package handlers does the jobs of the process orders.
package handlers

import (
	"context"
	"errors"

	"github.com/acme/app/primitives/process/orders/internal/engine"
	"github.com/acme/app/primitives/process/orders/internal/gen/model"
	"github.com/acme/app/primitives/process/orders/internal/work"
)

// A job type that is new in the model has no method here, and this says so.
var _ model.Handlers = (*Handlers)(nil)

// Handlers implements [model.Handlers].
type Handlers struct {
	Work work.Service
}

// WorkRequestV1 orders work on the variable subject, which must not be empty, under the work id of the job. The process
// gets that as its variable work_id, by which it waits for the message that the work is done.
func (h *Handlers) WorkRequestV1(context.Context, engine.Job) (engine.Completion, error) {
	return engine.Completion{}, errors.New("AMEIDE_SCAFFOLD: WorkRequestV1 has to be implemented")
}

// WorkCancelV1 takes back the order in the variable work_id, which must not be empty.
func (h *Handlers) WorkCancelV1(context.Context, engine.Job) (engine.Completion, error) {
	return engine.Completion{}, errors.New("AMEIDE_SCAFFOLD: WorkCancelV1 has to be implemented")
}
