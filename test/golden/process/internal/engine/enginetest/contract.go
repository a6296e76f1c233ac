package enginetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/acme/app/primitives/process/orders/internal/engine"
)

// Contract checks what every engine has to do. The engine that open returns hands out the jobs of the memory.
func Contract(t *testing.T, open func(*testing.T, *Memory) engine.Engine) {
	job := engine.Job{
		Key: "11", Type: "charge", ProcessInstanceKey: "22", ElementID: "Charge", ElementInstanceKey: "33",
		Tenant: "acme", Kind: "TASK_LISTENER", ListenerEvent: "COMPLETING", Headers: map[string]string{"currency": "EUR"},
		UserTask: []byte(`{"assignee":"alice"}`), Retries: 3, Variables: []byte(`{"amount":7}`),
	}
	charge := engine.Activation{Type: "charge", Tenants: []string{"acme", "other"}, Worker: "test", Max: 2, Lock: time.Minute, Wait: 5 * time.Second}
	start := func(t *testing.T) (engine.Engine, *Memory) {
		memory := New(job)
		opened := open(t, memory)
		jobs, err := opened.Activate(t.Context(), charge)
		if err != nil {
			t.Fatalf("Activate() error = %v, want nil", err)
		}
		if diff := cmp.Diff([]engine.Job{job}, jobs); diff != "" {
			t.Fatalf("Activate() differs (-want +got):\n%s", diff)
		}
		return opened, memory
	}
	outcome := func(t *testing.T, memory *Memory, state State, result string) {
		t.Helper()
		if gotState, got := memory.Outcome(job.Key); gotState != state || got != result {
			t.Errorf("the job is %s with %s, want %s with %s", gotState, got, state, result)
		}
	}

	t.Run("no jobs", func(t *testing.T) {
		none := charge
		none.Wait = 10 * time.Millisecond
		if jobs, err := open(t, New()).Activate(t.Context(), none); err != nil || len(jobs) != 0 {
			t.Errorf("Activate() = %v, %v; want no jobs, nil", jobs, err)
		}
	})
	t.Run("jobs of other tenants", func(t *testing.T) {
		others := charge
		others.Tenants, others.Wait = []string{"other"}, 10*time.Millisecond
		if jobs, err := open(t, New(job)).Activate(t.Context(), others); err != nil || len(jobs) != 0 {
			t.Errorf("Activate() = %v, %v; want no jobs, nil", jobs, err)
		}
	})
	t.Run("complete", func(t *testing.T) {
		opened, memory := start(t)
		if err := opened.Complete(t.Context(), job.Key, engine.Completion{Variables: engine.Variables{"paid": true}}); err != nil {
			t.Errorf("Complete() error = %v, want nil", err)
		}
		outcome(t, memory, Completed, `{"Variables":{"paid":true},"Result":null}`)
		if err := opened.Complete(t.Context(), job.Key, engine.Completion{}); !errors.Is(err, engine.ErrGone) {
			t.Errorf("second Complete() error = %v, want %v", err, engine.ErrGone)
		}
	})
	t.Run("complete with a decision", func(t *testing.T) {
		opened, memory := start(t)
		decision := map[string]any{"type": "userTask", "denied": true}
		if err := opened.Complete(t.Context(), job.Key, engine.Completion{Result: decision}); err != nil {
			t.Errorf("Complete() error = %v, want nil", err)
		}
		outcome(t, memory, Completed, `{"Variables":null,"Result":{"denied":true,"type":"userTask"}}`)
	})
	t.Run("fail", func(t *testing.T) {
		opened, memory := start(t)
		failure := engine.Failure{Retries: 2, Message: "no answer"}
		if err := opened.Fail(t.Context(), job.Key, failure); err != nil {
			t.Errorf("Fail() error = %v, want nil", err)
		}
		outcome(t, memory, Ready, "no answer")
		jobs, err := opened.Activate(t.Context(), charge)
		if err != nil || len(jobs) != 1 || jobs[0].Retries != 2 {
			t.Errorf("Activate() after Fail() = %+v, %v; want the job with 2 retries", jobs, err)
		}
	})
	t.Run("fail for good", func(t *testing.T) {
		opened, memory := start(t)
		if err := opened.Fail(t.Context(), job.Key, engine.Failure{Message: "no answer"}); err != nil {
			t.Errorf("Fail() error = %v, want nil", err)
		}
		outcome(t, memory, Incident, "no answer")
	})
	t.Run("throw", func(t *testing.T) {
		opened, memory := start(t)
		if err := opened.Throw(t.Context(), job.Key, &engine.BPMNError{Code: "poor", Message: "no money"}); err != nil {
			t.Errorf("Throw() error = %v, want nil", err)
		}
		outcome(t, memory, Thrown, "poor: no money")
	})
	t.Run("publish", func(t *testing.T) {
		memory := New()
		opened := open(t, memory)
		message := engine.Message{
			Name: "paid", Tenant: "acme", CorrelationKey: "o1", ID: "m1", TTL: time.Minute, Variables: engine.Variables{"by": "card"},
		}
		for range 2 {
			if err := opened.Publish(t.Context(), message); err != nil {
				t.Errorf("Publish() error = %v, want nil", err)
			}
		}
		if diff := cmp.Diff([]engine.Message{message}, memory.Published()); diff != "" {
			t.Errorf("published messages differ (-want +got):\n%s", diff)
		}
	})
	t.Run("refused", func(t *testing.T) {
		opened, _ := start(t)
		for what, err := range map[string]error{
			"Publish() without a name": opened.Publish(t.Context(), engine.Message{}),
			"Throw() without a code":   opened.Throw(t.Context(), job.Key, &engine.BPMNError{}),
		} {
			if !errors.Is(err, engine.ErrRefused) {
				t.Errorf("%s: error = %v, want %v", what, err, engine.ErrRefused)
			}
		}
	})
}
