package handlers

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/acme/app/primitives/process/orders/internal/engine"
	"github.com/acme/app/primitives/process/orders/internal/gen/model"
	"github.com/acme/app/primitives/process/orders/internal/work"
)

// orders is a work.Service that remembers what was asked.
type orders struct {
	requested []work.Order
	cancelled []string
	err       error
}

func (o *orders) Request(_ context.Context, order work.Order) error {
	o.requested = append(o.requested, order)
	return o.err
}

func (o *orders) Cancel(_ context.Context, id string) error {
	o.cancelled = append(o.cancelled, id)
	return o.err
}

func request(variables string) engine.Job {
	return engine.Job{
		Key: "11", Type: model.JobWorkRequestV1, ProcessInstanceKey: "22", ElementID: "RequestWork",
		ElementInstanceKey: "33", Tenant: "acme", Retries: 3, Variables: []byte(variables),
	}
}

func cancel(variables string) engine.Job {
	return engine.Job{
		Key: "12", Type: model.JobWorkCancelV1, ProcessInstanceKey: "22", ElementID: "CancelWork",
		ElementInstanceKey: "34", Tenant: "acme", Retries: 3, Variables: []byte(variables),
	}
}

// do gives a job to the handler of its type.
func do(t *testing.T, service work.Service, job engine.Job) (engine.Completion, error) {
	return model.Registry(&Handlers{Work: service})[job.Type](t.Context(), job)
}

func TestWorkIsRequested(t *testing.T) {
	var service orders
	job := request(`{"subject":"item/i1","other":1}`)
	got, err := do(t, &service, job)
	if err != nil {
		t.Fatalf("WorkRequestV1() error = %v, want nil", err)
	}
	if diff := cmp.Diff(engine.Variables{"work_id": job.WorkID()}, got.Variables); diff != "" {
		t.Errorf("variables differ (-want +got):\n%s", diff)
	}
	want := []work.Order{{ID: job.WorkID(), Tenant: "acme", Subject: "item/i1"}}
	if diff := cmp.Diff(want, service.requested); diff != "" {
		t.Errorf("orders differ (-want +got):\n%s", diff)
	}
}

func TestWorkIsRequestedUnderOneID(t *testing.T) {
	var service orders
	job := request(`{"subject":"item/i1"}`)
	first, err := do(t, &service, job)
	if err != nil {
		t.Fatalf("WorkRequestV1() error = %v, want nil", err)
	}
	job.Retries--
	again, err := do(t, &service, job)
	if err != nil {
		t.Fatalf("WorkRequestV1() of the job delivered again: error = %v, want nil", err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("variables differ (-first +again):\n%s", diff)
	}
	if len(service.requested) != 2 || service.requested[0] != service.requested[1] {
		t.Errorf("orders = %v, want the same twice", service.requested)
	}
}

func TestWorkIsCancelled(t *testing.T) {
	var service orders
	got, err := do(t, &service, cancel(`{"work_id":"w1","subject":"item/i1"}`))
	if err != nil || len(got.Variables) != 0 {
		t.Fatalf("WorkCancelV1() = %v, %v; want no variables, nil", got, err)
	}
	if diff := cmp.Diff([]string{"w1"}, service.cancelled); diff != "" {
		t.Errorf("cancelled orders differ (-want +got):\n%s", diff)
	}
}

func TestMalformedJobsAreInvalid(t *testing.T) {
	for _, job := range []engine.Job{
		request(`{}`), request(`{"subject":""}`), request(`{"subject":7}`), request(``),
		cancel(`{}`), cancel(`{"work_id":""}`), cancel(`{"work_id":{}}`),
	} {
		var service orders
		_, err := do(t, &service, job)
		if !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s of %s: error = %v, want %v", job.ElementID, job.Variables, err, engine.ErrInvalid)
		}
		if got := len(service.requested) + len(service.cancelled); got != 0 {
			t.Errorf("%s of %s: asked for %d things, want none", job.ElementID, job.Variables, got)
		}
	}
}

func TestJobsFailWithTheirService(t *testing.T) {
	for _, job := range []engine.Job{request(`{"subject":"item/i1"}`), cancel(`{"work_id":"w1"}`)} {
		service := &orders{err: errors.New("no answer")}
		if _, err := do(t, service, job); !errors.Is(err, service.err) {
			t.Errorf("%s: error = %v, want %v", job.ElementID, err, service.err)
		}
	}
}
