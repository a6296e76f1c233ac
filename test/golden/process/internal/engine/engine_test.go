package engine_test

import (
	"errors"
	"testing"

	"github.com/acme/app/primitives/process/orders/internal/caller"
	"github.com/acme/app/primitives/process/orders/internal/engine"
)

func TestWorkIDIsStable(t *testing.T) {
	job := engine.Job{Key: "1", ProcessInstanceKey: "2", ElementID: "Task", ElementInstanceKey: "3", Retries: 3}
	again := job
	again.Retries = 2
	if got, want := again.WorkID(), job.WorkID(); got != want {
		t.Errorf("WorkID() of a retry = %q, want %q", got, want)
	}
	for _, other := range []engine.Job{
		{ProcessInstanceKey: "9", ElementID: "Task", ElementInstanceKey: "3"},
		{ProcessInstanceKey: "2", ElementID: "Other", ElementInstanceKey: "3"},
		{ProcessInstanceKey: "2", ElementID: "Task", ElementInstanceKey: "9"},
	} {
		if got, not := other.WorkID(), job.WorkID(); got == not {
			t.Errorf("WorkID() of %+v = %q, want another than that of %+v", other, got, job)
		}
	}
}

func TestDecode(t *testing.T) {
	var got struct{ Count int }
	if err := (engine.Job{Variables: []byte(`{"count":3}`)}).Decode(&got); err != nil || got.Count != 3 {
		t.Errorf("Decode() = %+v, %v; want a count of 3", got, err)
	}
	for _, variables := range []string{"", "[]", `{"count":"three"}`} {
		if err := (engine.Job{Variables: []byte(variables)}).Decode(&got); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("Decode(%q) error = %v, want %v", variables, err, engine.ErrInvalid)
		}
	}
}

func TestCallerIsWhoStartedTheInstance(t *testing.T) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	started := []byte(`{"caller":{"tenant":"acme","subject":"alice","traceparent":"` + trace + `","tracestate":"a=b"}}`)
	for _, test := range []struct {
		job  engine.Job
		want caller.Caller
	}{
		{engine.Job{Variables: started}, caller.Caller{Tenant: "acme", Subject: "alice", TraceParent: trace, TraceState: "a=b"}},
		{engine.Job{Tenant: "<default>", Variables: started}, caller.Caller{Tenant: "acme", Subject: "alice", TraceParent: trace, TraceState: "a=b"}},
		{engine.Job{Tenant: "other", Variables: started}, caller.Caller{Tenant: "other", Subject: "alice", TraceParent: trace, TraceState: "a=b"}},
		{engine.Job{Tenant: "other", Variables: []byte("{}")}, caller.Caller{Tenant: "other"}},
		{engine.Job{Variables: []byte(`{"caller":{"tenant":"acme","traceparent":"none"}}`)}, caller.Caller{Tenant: "acme"}},
	} {
		if got, err := test.job.Caller(); err != nil || got != test.want {
			t.Errorf("Caller() = %+v, %v; want %+v, nil", got, err, test.want)
		}
	}
	if _, err := (engine.Job{Variables: []byte(`{"caller":7}`)}).Caller(); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("Caller() error = %v, want %v", err, engine.ErrInvalid)
	}
}
