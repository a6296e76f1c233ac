// Package enginetest has an engine in memory for tests, and what every engine has to do.
package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/acme/app/primitives/process/orders/internal/engine"
)

// Memory is an engine that keeps everything in memory and refuses what a real one would. Use [New].
type Memory struct {
	mu        sync.Mutex
	changed   chan struct{}
	jobs      []*entry
	published []engine.Message
	kept      map[string]time.Time
}

// State is what became of a job.
type State string

// The states of a job.
const (
	Ready     State = "ready"
	Locked    State = "locked"
	Completed State = "completed"
	Thrown    State = "thrown"
	Incident  State = "incident"
)

type entry struct {
	job   engine.Job
	state State
	until time.Time
	// result is the completion in JSON, or what was said of the failure.
	result string
}

// New returns an engine with jobs that are ready.
func New(jobs ...engine.Job) *Memory {
	m := &Memory{changed: make(chan struct{}), kept: map[string]time.Time{}}
	for _, job := range jobs {
		m.jobs = append(m.jobs, &entry{job: job, state: Ready})
	}
	return m
}

// Add makes another job ready.
func (m *Memory) Add(job engine.Job) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.jobs = append(m.jobs, &entry{job: job, state: Ready})
	m.wake()
}

// Outcome returns what became of a job, and its completion in JSON or what was said of its failure.
func (m *Memory) Outcome(jobKey string) (State, string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.jobs {
		if e.job.Key == jobKey {
			return e.state, e.result
		}
	}
	return "", ""
}

// Published returns the messages that were taken in.
func (m *Memory) Published() []engine.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.published)
}

// Activate implements [engine.Engine].
func (m *Memory) Activate(ctx context.Context, a engine.Activation) ([]engine.Job, error) {
	if a.Type == "" || a.Worker == "" || a.Max < 1 || a.Lock <= 0 || a.Wait <= 0 {
		return nil, fmt.Errorf("%w: activation %+v", engine.ErrRefused, a)
	}
	wait := time.NewTimer(a.Wait)
	defer wait.Stop()
	for {
		jobs, changed, next := m.lock(a)
		if len(jobs) > 0 {
			return jobs, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-wait.C:
			return nil, nil
		case <-changed:
		case <-next:
		}
	}
}

// lock returns what can be had now, and what to wait for otherwise.
func (m *Memory) lock(a engine.Activation) ([]engine.Job, <-chan struct{}, <-chan time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var jobs []engine.Job
	soonest := a.Wait
	for _, e := range m.jobs {
		if len(a.Tenants) > 0 && !slices.Contains(a.Tenants, e.job.Tenant) {
			continue
		}
		if e.job.Type != a.Type || e.state != Ready && e.state != Locked || len(jobs) == a.Max {
			continue
		}
		if left := time.Until(e.until); left > 0 {
			soonest = min(soonest, left)
			continue
		}
		e.state, e.until = Locked, time.Now().Add(a.Lock)
		jobs = append(jobs, e.job)
	}
	return jobs, m.changed, time.After(soonest)
}

// Complete implements [engine.Engine].
func (m *Memory) Complete(_ context.Context, jobKey string, completion engine.Completion) error {
	result, err := json.Marshal(completion)
	if err != nil {
		return fmt.Errorf("%w: %w", engine.ErrRefused, err)
	}
	return m.end(jobKey, Completed, string(result))
}

// Throw implements [engine.Engine].
func (m *Memory) Throw(_ context.Context, jobKey string, bpmnError *engine.BPMNError) error {
	if bpmnError.Code == "" {
		return fmt.Errorf("%w: a BPMN error needs a code", engine.ErrRefused)
	}
	return m.end(jobKey, Thrown, bpmnError.Code+": "+bpmnError.Message)
}

// Fail implements [engine.Engine].
func (m *Memory) Fail(_ context.Context, jobKey string, failure engine.Failure) error {
	if failure.Retries < 0 || failure.Backoff < 0 {
		return fmt.Errorf("%w: failure %+v", engine.ErrRefused, failure)
	}
	if failure.Retries == 0 {
		return m.end(jobKey, Incident, failure.Message)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e, err := m.locked(jobKey)
	if err != nil {
		return err
	}
	e.state, e.until, e.result = Ready, time.Now().Add(failure.Backoff), failure.Message
	e.job.Retries = failure.Retries
	m.wake()
	return nil
}

// Publish implements [engine.Engine].
func (m *Memory) Publish(_ context.Context, message engine.Message) error {
	if message.Name == "" || message.TTL < 0 {
		return fmt.Errorf("%w: message %+v", engine.ErrRefused, message)
	}
	if _, err := json.Marshal(message.Variables); err != nil {
		return fmt.Errorf("%w: %w", engine.ErrRefused, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	key := fmt.Sprintf("%q %q %q %q", message.Tenant, message.Name, message.CorrelationKey, message.ID)
	if message.ID != "" && time.Now().Before(m.kept[key]) {
		return nil
	}
	m.kept[key] = time.Now().Add(message.TTL)
	m.published = append(m.published, message)
	return nil
}

func (m *Memory) end(jobKey string, state State, result string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, err := m.locked(jobKey)
	if err != nil {
		return err
	}
	e.state, e.result = state, result
	m.wake()
	return nil
}

// locked returns a job that is locked; m.mu must be held.
func (m *Memory) locked(jobKey string) (*entry, error) {
	for _, e := range m.jobs {
		if e.job.Key == jobKey && e.state == Locked && time.Now().Before(e.until) {
			return e, nil
		}
	}
	return nil, fmt.Errorf("job %s: %w", jobKey, engine.ErrGone)
}

// wake wakes all that wait; m.mu must be held.
func (m *Memory) wake() {
	close(m.changed)
	m.changed = make(chan struct{})
}
