// Package engine is what the code needs of a process engine. The package zeebe talks to a real one.
package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/acme/app/primitives/process/orders/internal/caller"
)

var (
	// ErrInvalid says that a job can never be done as it is; it becomes an incident at once instead of being retried.
	ErrInvalid = errors.New("invalid job")
	// ErrGone says that a job is not this worker's any more: it was done, cancelled, or locked for too long.
	ErrGone = errors.New("the job is gone")
	// ErrRefused says that the engine will not take this request, however often it is sent.
	ErrRefused = errors.New("the engine refused the request")
)

// Variables are values of a process instance by their names.
type Variables map[string]any

// UnmarshalJSON keeps numbers as they are written: as floats, long ones would become others.
func (v *Variables) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode((*map[string]any)(v))
}

// Completion is what a job is completed with.
type Completion struct {
	Variables Variables
	// Result is what the job decides, in the words of Camunda's REST API: which elements of an ad-hoc subprocess to
	// activate, whether a task listener denies. Nil for all other jobs.
	Result any
}

// Handler does one job and returns what to complete it with. A job may come more than once, so that what a
// handler does must have the same effect twice as once. It must end soon: for what takes longer than the lock of a job,
// it requests work, and the process waits for a message.
//
// A *[BPMNError] takes the path that the model has for it, [ErrInvalid] makes an incident, anything else a retry.
type Handler func(ctx context.Context, job Job) (Completion, error)

// Job is one piece of work, locked for this worker.
type Job struct {
	Key                string
	Type               string
	ProcessInstanceKey string
	ElementID          string
	// ElementInstanceKey differs between two passes through one element, and not between retries.
	ElementInstanceKey string
	Tenant             string
	// Kind is what asks for the job: BPMN_ELEMENT, EXECUTION_LISTENER, TASK_LISTENER; empty before Camunda 8.8.
	Kind string
	// ListenerEvent is what a listener is called for, such as COMPLETING.
	ListenerEvent string
	// Headers are the task headers of the element in the model.
	Headers map[string]string
	// UserTask is the task of a task listener, in the words of Camunda's REST API; nil for all other jobs.
	UserTask json.RawMessage
	// Retries is how many attempts are left, this one included.
	Retries   int
	Variables json.RawMessage
}

// CallerVariable keeps the [caller.Caller] that started a process instance.
const CallerVariable = "caller"

// Caller is who started the process instance; in an engine with tenants, for the tenant of the job.
func (j Job) Caller() (caller.Caller, error) {
	var variables struct{ Caller caller.Caller }
	err := j.Decode(&variables)
	from := variables.Caller
	// An instance may be started in other ways, too.
	from.TraceParent, from.TraceState = caller.Trace(from.TraceParent, from.TraceState)
	if j.Tenant != "" && j.Tenant != "<default>" {
		from.Tenant = j.Tenant
	}
	return from, err
}

// Decode reads the variables of the job into a struct. Its error is an [ErrInvalid].
func (j Job) Decode(into any) error {
	if err := json.Unmarshal(j.Variables, into); err != nil {
		return fmt.Errorf("%w: variables: %w", ErrInvalid, err)
	}
	return nil
}

// WorkID is what work is known by that this job asks for: the same for each delivery of the job, another for any other
// pass through its element.
func (j Job) WorkID() string {
	sum := sha256.Sum256([]byte(j.ProcessInstanceKey + "/" + j.ElementID + "/" + j.ElementInstanceKey))
	return hex.EncodeToString(sum[:16])
}

// BPMNError is an outcome that the model foresees: a boundary event or an event subprocess catches it by its code.
type BPMNError struct {
	Code      string
	Message   string
	Variables Variables
}

func (e *BPMNError) Error() string { return fmt.Sprintf("BPMN error %s: %s", e.Code, e.Message) }

// Activation asks for jobs.
type Activation struct {
	Type string
	// Tenants are those whose jobs are asked for; none in an engine without tenants.
	Tenants []string
	// Worker is who asks, for the engine's own logs.
	Worker string
	Max    int
	// Lock is for how long the jobs are this worker's.
	Lock time.Duration
	// Wait is how long to wait for the first job.
	Wait time.Duration
}

// Failure is what a failed job leaves.
type Failure struct {
	// Retries is how many attempts are left; none makes an incident.
	Retries int
	// Backoff is how long the next attempt has to wait.
	Backoff time.Duration
	Message string
}

// Message makes waiting process instances go on, or starts one.
type Message struct {
	Name string
	// Tenant is whose instances are meant; empty in an engine without tenants.
	Tenant string
	// CorrelationKey chooses the instance; empty for messages that start one.
	CorrelationKey string
	// ID makes publishing idempotent: while the message is kept, another with the same ID is not taken in again.
	ID string
	// TTL is how long the message is kept for an instance that does not wait yet.
	TTL       time.Duration
	Variables Variables
}

// Engine hands out jobs and takes in messages.
type Engine interface {
	// Activate locks jobs, none if there were none for the whole wait.
	Activate(ctx context.Context, activation Activation) ([]Job, error)
	// Complete ends a job, and with it its element. It returns ErrGone if the job is not locked, as Fail and Throw do.
	Complete(ctx context.Context, jobKey string, completion Completion) error
	// Fail gives a job back.
	Fail(ctx context.Context, jobKey string, failure Failure) error
	// Throw ends a job with a BPMN error.
	Throw(ctx context.Context, jobKey string, bpmnError *BPMNError) error
	// Publish takes in a message. It is no error that it is there already.
	Publish(ctx context.Context, message Message) error
}
