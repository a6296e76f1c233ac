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

// Handlers implements [model.Handlers]. What its methods need is put in by [New].
type Handlers struct {
	work work.Service
}

// New returns the handlers, which ask service for work.
func New(service work.Service) *Handlers { return &Handlers{work: service} }

// Registry returns the handler of each job type that is taken from the engine. Handlers of job types that the model
// computes are added here.
func (h *Handlers) Registry() (map[string]engine.Handler, error) {
	// A job that cannot be done yet is not taken: each try would use up a retry.
	if errWorkRequestV1 != nil {
		return nil, errWorkRequestV1
	}
	return model.Registry(h), nil
}

// What WorkRequestV1 answers until it is implemented. Remove it with the stub, here and in Registry.
var errWorkRequestV1 = errors.New("AMEIDE_SCAFFOLD: WorkRequestV1 has to be implemented")

// WorkRequestV1 requests work with the variable title, which must not be empty, for the caller of the job and under its
// work id. The process gets that as its variable work_id, by which it waits for the message that the work is done. Work
// that is refused is the BPMN error [model.ErrorWorkRefused].
func (h *Handlers) WorkRequestV1(context.Context, engine.Job) (engine.Completion, error) {
	return engine.Completion{}, errWorkRequestV1
}
