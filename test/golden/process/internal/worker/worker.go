// Package worker does the jobs that a process engine hands out.
package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/acme/app/primitives/process/orders/internal/engine"
)

const (
	// reportTimeout is for telling the engine what became of a job, all attempts together.
	reportTimeout = 15 * time.Second
	// handBack is how much of the time for stopping is left for giving back jobs that cannot be finished.
	handBack = 2 * time.Second
	minPause = 100 * time.Millisecond
	maxPause = 10 * time.Second
)

// Worker does jobs. Use [New].
type Worker struct {
	engine   engine.Engine
	handlers map[string]engine.Handler
	log      *slog.Logger
	settings Settings

	// polling ends when no more jobs are to be taken, working when those in hand are to be given back, and telling when
	// there is no more time for that.
	polling, working, telling       context.Context
	stopPolling, interrupt, abandon context.CancelFunc
	done                            chan struct{}
	jobs                            sync.WaitGroup
}

// Settings are what can be told a worker.
type Settings struct {
	// Name is who asks for jobs, for the engine's logs.
	Name string
	// MaxJobs is how many jobs of one type are in hand at most.
	MaxJobs int
	// Tenants are those whose jobs are asked for; none in an engine without tenants.
	Tenants []string
	// JobTimeout is how long the engine locks a job for the worker.
	JobTimeout time.Duration
	// RetryBackoff is how long a failed job rests before it is tried again.
	RetryBackoff time.Duration
	// PollWait is how long the engine may hold a request for jobs back while there are none. Stopping waits for it:
	// what a request that is broken off has been given would stay locked.
	PollWait time.Duration
}

// New returns a worker that has a handler for each job type.
func New(e engine.Engine, handlers map[string]engine.Handler, log *slog.Logger, settings Settings) *Worker {
	w := &Worker{engine: e, handlers: handlers, log: log, settings: settings, done: make(chan struct{})}
	w.polling, w.stopPolling = context.WithCancel(context.Background())
	w.working, w.interrupt = context.WithCancel(context.Background())
	w.telling, w.abandon = context.WithCancel(context.Background())
	return w
}

// Run does jobs until Stop was called and the last one is done.
func (w *Worker) Run() error {
	var polls sync.WaitGroup
	for jobType, handler := range w.handlers {
		polls.Go(func() { w.poll(jobType, handler) })
	}
	go func() {
		polls.Wait()
		w.jobs.Wait()
		close(w.done)
	}()
	select {
	case <-w.done:
	case <-w.telling.Done():
	}
	return nil
}

// Stop takes no more jobs and waits for those in hand. Shortly before ctx ends, handlers that are still at work are
// cancelled, and their jobs given back to the engine, which hands them out again at once. Only what a handler holds on to
// after that stays locked.
func (w *Worker) Stop(ctx context.Context) error {
	defer w.abandon()
	defer w.interrupt()
	w.stopPolling()
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		defer time.AfterFunc(left-min(handBack, left/2), w.interrupt).Stop()
	}
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("jobs in hand were given up: %w", ctx.Err())
	}
}

// poll keeps up to MaxJobs jobs of a type in hand.
func (w *Worker) poll(jobType string, handler engine.Handler) {
	free := make(chan struct{}, w.settings.MaxJobs)
	for range w.settings.MaxJobs {
		free <- struct{}{}
	}
	for failures := 0; w.polling.Err() == nil; {
		slots := take(w.polling, free)
		if slots == 0 {
			return
		}
		asked := time.Now()
		jobs, err := w.engine.Activate(w.telling, engine.Activation{
			Type: jobType, Tenants: w.settings.Tenants, Worker: w.settings.Name, Max: slots,
			Lock: w.settings.JobTimeout, Wait: w.settings.PollWait,
		})
		for _, job := range jobs {
			w.jobs.Go(func() {
				defer func() { free <- struct{}{} }()
				if w.polling.Err() != nil {
					w.giveBack(job)
					return
				}
				w.do(job, handler)
			})
		}
		for range slots - len(jobs) {
			free <- struct{}{}
		}
		switch {
		case w.polling.Err() != nil:
			return
		case err != nil:
			failures++
			w.log.Warn("no jobs could be had", "type", jobType, "error", err)
			sleep(w.polling, pause(failures))
		case len(jobs) == 0 && time.Since(asked) < time.Second:
			// An engine that does not wait for jobs must not be asked all the time.
			sleep(w.polling, time.Second)
		default:
			failures = 0
		}
	}
}

// take takes all free slots, after waiting for the first; none if ctx ends before.
func take(ctx context.Context, free <-chan struct{}) int {
	select {
	case <-ctx.Done():
		return 0
	case <-free:
	}
	for slots := 1; ; slots++ {
		select {
		case <-free:
		default:
			return slots
		}
	}
}

func (w *Worker) do(job engine.Job, handler engine.Handler) {
	started := time.Now()
	// Without a caller it is for the handler to say what is wrong.
	from, _ := job.Caller()
	log := slog.New(w.log.Handler().WithAttrs(from.LogAttrs())).
		With("type", job.Type, "job", job.Key, "element", job.ElementID, "instance", job.ProcessInstanceKey)
	// Some of the lock is left for telling the engine.
	ctx, cancel := context.WithTimeout(w.working, w.settings.JobTimeout*9/10)
	defer cancel()
	completion, err := safely(ctx, handler, job)
	if err != nil && w.working.Err() != nil {
		w.giveBack(job)
		return
	}
	outcome, err, reported := w.report(job, completion, err)
	attributes := []any{"outcome", outcome, "took", time.Since(started).String()}
	if err != nil {
		attributes = append(attributes, "error", err)
	}
	switch {
	case errors.Is(reported, engine.ErrGone):
		log.Warn("job was gone", attributes...)
	case reported != nil:
		log.Error("job could not be reported", append(attributes, "report", reported)...)
	case outcome == failed || outcome == incident:
		log.Error("job", attributes...)
	default:
		log.Info("job", attributes...)
	}
}

// giveBack lets the engine hand a job out again at once; that uses up no retry.
func (w *Worker) giveBack(job engine.Job) {
	failure := engine.Failure{Retries: job.Retries, Message: "given back by a worker that stops"}
	if err := w.insist(func(ctx context.Context) error { return w.engine.Fail(ctx, job.Key, failure) }); err != nil {
		w.log.Warn("job could not be given back", "type", job.Type, "job", job.Key, "error", err)
	}
}

// safely turns a panic of a handler into an error.
func safely(ctx context.Context, handler engine.Handler, job engine.Job) (completion engine.Completion, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("panic: %v\n%s", recovered, debug.Stack())
		}
	}()
	return handler(ctx, job)
}

type outcome string

const (
	completed outcome = "completed"
	thrown    outcome = "thrown"
	failed    outcome = "failed"
	incident  outcome = "incident"
)

// report reports to the engine what became of a job, again while it does not answer. Where the engine refuses that, the job
// has failed. It returns what became of the job and why, and what kept the engine from knowing.
func (w *Worker) report(job engine.Job, completion engine.Completion, err error) (became outcome, why, reported error) {
	if bpmn, ok := errors.AsType[*engine.BPMNError](err); ok {
		reported := w.insist(func(ctx context.Context) error { return w.engine.Throw(ctx, job.Key, bpmn) })
		if !errors.Is(reported, engine.ErrRefused) {
			return thrown, err, reported
		}
		err = reported
	} else if err == nil {
		reported := w.insist(func(ctx context.Context) error { return w.engine.Complete(ctx, job.Key, completion) })
		if !errors.Is(reported, engine.ErrRefused) {
			return completed, nil, reported
		}
		err = reported
	}
	result, failure := failed, engine.Failure{Retries: max(0, job.Retries-1), Backoff: w.settings.RetryBackoff, Message: shown(err)}
	if errors.Is(err, engine.ErrInvalid) {
		failure.Retries = 0
	}
	if failure.Retries == 0 {
		result = incident
	}
	return result, err, w.insist(func(ctx context.Context) error { return w.engine.Fail(ctx, job.Key, failure) })
}

// shown is what people see of an error in the engine: its first line.
func shown(err error) string {
	for i, char := range err.Error() {
		if char == '\n' || i >= 500 {
			return err.Error()[:i]
		}
	}
	return err.Error()
}

func (w *Worker) insist(send func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(w.telling, reportTimeout)
	defer cancel()
	for failures := 1; ; failures++ {
		err := send(ctx)
		if err == nil || errors.Is(err, engine.ErrGone) || errors.Is(err, engine.ErrRefused) || ctx.Err() != nil {
			return err
		}
		// The failure says more than that time is up.
		if sleep(ctx, pause(failures)); ctx.Err() != nil {
			return err
		}
	}
}

// pause grows with each failure, up to a limit, and differs between workers that fail together.
func pause(failures int) time.Duration {
	limit := min(maxPause, minPause<<min(failures, 10))
	return limit/2 + rand.N(limit/2)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
