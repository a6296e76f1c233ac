package handlers

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/acme/app/primitives/process/orders/internal/caller"
	"github.com/acme/app/primitives/process/orders/internal/engine"
	"github.com/acme/app/primitives/process/orders/internal/gen/model"
	"github.com/acme/app/primitives/process/orders/internal/work"
)

// TestEveryJobIsHandled fails while a method has to be implemented; what it then does is for other tests to say.
func TestEveryJobIsHandled(t *testing.T) {
	if _, err := New(new(orders)).Registry(); err != nil {
		t.Errorf("Registry() error = %v, want nil", err)
	}
}

// orders is a work.Service that remembers what was asked.
type orders struct {
	requested []work.Order
	from      caller.Caller
	err       error
}

func (o *orders) Request(_ context.Context, from caller.Caller, order work.Order) error {
	o.requested, o.from = append(o.requested, order), from
	return o.err
}

func request(variables string) engine.Job {
	return engine.Job{
		Key: "11", Type: model.JobWorkRequestV1, ProcessInstanceKey: "22", ElementID: "RequestWork",
		ElementInstanceKey: "33", Tenant: "acme", Retries: 3, Variables: []byte(variables),
	}
}

// do gives a job to the handler of its type.
func do(t *testing.T, service work.Service, job engine.Job) (engine.Completion, error) {
	return model.Registry(New(service))[job.Type](t.Context(), job)
}

func TestWorkIsRequested(t *testing.T) {
	var service orders
	job := request(`{"title":"First","other":1,"caller":{"subject":"alice","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}`)
	got, err := do(t, &service, job)
	if err != nil {
		t.Fatalf("WorkRequestV1() error = %v, want nil", err)
	}
	if diff := cmp.Diff(engine.Variables{"work_id": job.WorkID()}, got.Variables); diff != "" {
		t.Errorf("variables differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]work.Order{{ID: job.WorkID(), Title: "First"}}, service.requested); diff != "" {
		t.Errorf("orders differ (-want +got):\n%s", diff)
	}
	if want := (caller.Caller{Tenant: "acme", Subject: "alice", TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}); service.from != want {
		t.Errorf("requested for %+v, want %+v", service.from, want)
	}
}

func TestWorkIsRequestedUnderOneID(t *testing.T) {
	var service orders
	job := request(`{"title":"First"}`)
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

func TestMalformedJobsAreInvalid(t *testing.T) {
	for _, variables := range []string{`{}`, `{"title":""}`, `{"title":7}`, `{"title":"First","caller":7}`, ``} {
		var service orders
		_, err := do(t, &service, request(variables))
		if !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("WorkRequestV1() of %s: error = %v, want %v", variables, err, engine.ErrInvalid)
		}
		if len(service.requested) != 0 {
			t.Errorf("WorkRequestV1() of %s: requested %v, want nothing", variables, service.requested)
		}
	}
}

func TestRefusedWorkTakesItsPath(t *testing.T) {
	_, err := do(t, &orders{err: fmt.Errorf("%w: no stock", work.ErrRefused)}, request(`{"title":"First"}`))
	bpmn, ok := errors.AsType[*engine.BPMNError](err)
	if !ok || bpmn.Code != model.ErrorWorkRefused {
		t.Errorf("WorkRequestV1() error = %v, want a BPMN error with the code %s", err, model.ErrorWorkRefused)
	}
}

func TestJobsFailWithTheirService(t *testing.T) {
	service := &orders{err: errors.New("no answer")}
	if _, err := do(t, service, request(`{"title":"First"}`)); !errors.Is(err, service.err) {
		t.Errorf("WorkRequestV1() error = %v, want %v", err, service.err)
	}
}
