package worker

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acme/app/primitives/process/orders/internal/engine"
	"github.com/acme/app/primitives/process/orders/internal/engine/enginetest"
)

var settings = Settings{
	Name: "test", MaxJobs: 2, JobTimeout: time.Minute, RetryBackoff: 10 * time.Second, PollWait: 5 * time.Second,
}

func job(key string) engine.Job {
	return engine.Job{Key: key, Type: "charge", Retries: 3, Variables: []byte("{}")}
}

// start runs a worker with one handler; stop stops it and waits for it.
func start(t *testing.T, e engine.Engine, handler engine.Handler) (stop func(context.Context) error) {
	w := New(e, map[string]engine.Handler{"charge": handler}, slog.New(slog.DiscardHandler), settings)
	ended := make(chan error, 1)
	go func() { ended <- w.Run() }()
	return func(ctx context.Context) error {
		err := w.Stop(ctx)
		if ran := <-ended; ran != nil {
			t.Errorf("Run() error = %v, want nil", ran)
		}
		return err
	}
}

func TestWorkerReportsWhatBecameOfAJob(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler engine.Handler
		state   enginetest.State
		result  string
	}{
		{"completed", func(context.Context, engine.Job) (engine.Completion, error) {
			return engine.Completion{Variables: engine.Variables{"paid": true}}, nil
		}, enginetest.Completed, `{"Variables":{"paid":true},"Result":null}`},
		{"thrown", func(context.Context, engine.Job) (engine.Completion, error) {
			return engine.Completion{}, &engine.BPMNError{Code: "poor", Message: "no money"}
		}, enginetest.Thrown, "poor: no money"},
		{"thrown without a code", func(context.Context, engine.Job) (engine.Completion, error) {
			return engine.Completion{}, &engine.BPMNError{Message: "no money"}
		}, enginetest.Ready, "the engine refused the request: a BPMN error needs a code"},
		{"failed", func(context.Context, engine.Job) (engine.Completion, error) {
			return engine.Completion{}, errors.New("no answer")
		}, enginetest.Ready, "no answer"},
		{"invalid", func(_ context.Context, job engine.Job) (engine.Completion, error) {
			return engine.Completion{}, job.Decode(new(string))
		}, enginetest.Incident, "invalid job: variables: json: cannot unmarshal object into Go value of type string"},
		{"panic", func(context.Context, engine.Job) (engine.Completion, error) {
			panic("oh")
		}, enginetest.Ready, "panic: oh"},
		{"variables that are no JSON", func(context.Context, engine.Job) (engine.Completion, error) {
			return engine.Completion{Variables: engine.Variables{"bad": func() {}}}, nil
		}, enginetest.Ready, "the engine refused the request: json: unsupported type: func()"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory := enginetest.New(job("1"))
				stop := start(t, memory, test.handler)
				synctest.Wait()
				if state, result := memory.Outcome("1"); state != test.state || result != test.result {
					t.Errorf("the job is %s with %q, want %s with %q", state, result, test.state, test.result)
				}
				if err := stop(t.Context()); err != nil {
					t.Errorf("Stop() error = %v, want nil", err)
				}
			})
		})
	}
}

func TestWorkerTriesAgainAndGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := enginetest.New(job("1"))
		var attempts atomic.Int32
		stop := start(t, memory, func(context.Context, engine.Job) (engine.Completion, error) {
			attempts.Add(1)
			return engine.Completion{}, errors.New("no answer")
		})
		time.Sleep(10 * settings.RetryBackoff)
		synctest.Wait()
		if state, _ := memory.Outcome("1"); state != enginetest.Incident {
			t.Errorf("the job is %s, want %s", state, enginetest.Incident)
		}
		if got := attempts.Load(); got != 3 {
			t.Errorf("%d attempts, want 3", got)
		}
		_ = stop(t.Context())
	})
}

func TestWorkerHasBoundedJobsInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := enginetest.New(job("1"), job("2"), job("3"), job("4"), job("5"))
		var now, most, all atomic.Int32
		stop := start(t, memory, func(context.Context, engine.Job) (engine.Completion, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Second)
			all.Add(1)
			return engine.Completion{}, nil
		})
		time.Sleep(time.Minute)
		if most.Load() != 2 || all.Load() != 5 {
			t.Errorf("%d jobs in hand at most, %d done; want 2, 5", most.Load(), all.Load())
		}
		_ = stop(t.Context())
	})
}

func TestWorkerEndsHandlersBeforeTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := enginetest.New(job("1"))
		stop := start(t, memory, func(ctx context.Context, _ engine.Job) (engine.Completion, error) {
			<-ctx.Done()
			return engine.Completion{}, ctx.Err()
		})
		time.Sleep(settings.JobTimeout - time.Second)
		synctest.Wait()
		if state, result := memory.Outcome("1"); state != enginetest.Ready || result != context.DeadlineExceeded.Error() {
			t.Errorf("the job is %s with %q, want %s with %q", state, result, enginetest.Ready, context.DeadlineExceeded)
		}
		_ = stop(t.Context())
	})
}

func TestWorkerFinishesJobsInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := enginetest.New(job("1"))
		stop := start(t, memory, func(context.Context, engine.Job) (engine.Completion, error) {
			time.Sleep(5 * time.Second)
			return engine.Completion{}, nil
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		stopped := make(chan error, 1)
		go func() { stopped <- stop(ctx) }()
		synctest.Wait()
		memory.Add(job("2"))
		if err := <-stopped; err != nil {
			t.Errorf("Stop() error = %v, want nil", err)
		}
		for key, want := range map[string]enginetest.State{"1": enginetest.Completed, "2": enginetest.Ready} {
			if got, _ := memory.Outcome(key); got != want {
				t.Errorf("job %s is %s, want %s", key, got, want)
			}
		}
	})
}

func TestWorkerGivesBackWhatItCannotFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := enginetest.New(job("1"))
		stop := start(t, memory, func(ctx context.Context, _ engine.Job) (engine.Completion, error) {
			<-ctx.Done()
			return engine.Completion{}, ctx.Err()
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		if err := stop(ctx); err != nil {
			t.Errorf("Stop() error = %v, want nil", err)
		}
		again, err := memory.Activate(t.Context(), engine.Activation{Type: "charge", Worker: "other", Max: 1, Lock: time.Minute, Wait: time.Second})
		if err != nil || len(again) != 1 || again[0].Retries != 3 {
			t.Errorf("Activate() after Stop() = %+v, %v; want the job with all its retries", again, err)
		}
	})
}

// severed is an engine that locks jobs also for a request that was broken off, as a real one may; that answer is lost.
type severed struct{ *enginetest.Memory }

func (s severed) Activate(ctx context.Context, a engine.Activation) ([]engine.Job, error) {
	jobs, err := s.Memory.Activate(context.WithoutCancel(ctx), a)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return jobs, err
}

func TestWorkerGivesBackWhatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := enginetest.New()
		stop := start(t, severed{memory}, func(context.Context, engine.Job) (engine.Completion, error) {
			t.Error("a job was done, want none")
			return engine.Completion{}, nil
		})
		synctest.Wait()
		stopped := make(chan error, 1)
		go func() { stopped <- stop(t.Context()) }()
		synctest.Wait()
		// A request for jobs is under way.
		memory.Add(job("1"))
		if err := <-stopped; err != nil {
			t.Errorf("Stop() error = %v, want nil", err)
		}
		if state, result := memory.Outcome("1"); state != enginetest.Ready {
			t.Errorf("the job is %s with %q, want %s", state, result, enginetest.Ready)
		}
	})
}

func TestWorkerGivesUpWhatAHandlerHoldsOnTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := enginetest.New(job("1"))
		release := make(chan struct{})
		stop := start(t, memory, func(context.Context, engine.Job) (engine.Completion, error) {
			<-release
			return engine.Completion{}, nil
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop() error = %v, want %v", err, context.DeadlineExceeded)
		}
		if state, _ := memory.Outcome("1"); state != enginetest.Locked {
			t.Errorf("the job is %s, want %s until its lock ends", state, enginetest.Locked)
		}
		close(release)
	})
}

// flaky is an engine that is away the first two times that it is asked for jobs, or told of one.
type flaky struct {
	*enginetest.Memory
	activations, completions atomic.Int32
}

func (f *flaky) Activate(ctx context.Context, a engine.Activation) ([]engine.Job, error) {
	if f.activations.Add(1) <= 2 {
		return nil, errors.New("unavailable")
	}
	return f.Memory.Activate(ctx, a)
}

func (f *flaky) Complete(ctx context.Context, jobKey string, completion engine.Completion) error {
	if f.completions.Add(1) <= 2 {
		return errors.New("unavailable")
	}
	return f.Memory.Complete(ctx, jobKey, completion)
}

func TestWorkerOutlastsAnEngineThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := &flaky{Memory: enginetest.New(job("1"))}
		var attempts atomic.Int32
		stop := start(t, away, func(context.Context, engine.Job) (engine.Completion, error) {
			attempts.Add(1)
			return engine.Completion{}, nil
		})
		time.Sleep(settings.JobTimeout / 2)
		if state, _ := away.Outcome("1"); state != enginetest.Completed {
			t.Errorf("the job is %s, want %s", state, enginetest.Completed)
		}
		if got, told := attempts.Load(), away.completions.Load(); got != 1 || told != 3 {
			t.Errorf("the job was done %d times and reported %d times, want 1 and 3", got, told)
		}
		_ = stop(t.Context())
	})
}

// broken is an engine whose answers cannot be worked with.
type broken struct {
	*enginetest.Memory
	asked atomic.Int32
}

func (b *broken) Activate(ctx context.Context, a engine.Activation) ([]engine.Job, error) {
	b.asked.Add(1)
	_, err := b.Memory.Activate(ctx, a)
	return nil, errors.Join(err, errors.New("a job without a key"))
}

func TestWorkerDoesNothingWithBrokenAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs []engine.Job
		for i := range 200 {
			jobs = append(jobs, job(strconv.Itoa(i)))
		}
		engineOf := &broken{Memory: enginetest.New(jobs...)}
		stop := start(t, engineOf, func(context.Context, engine.Job) (engine.Completion, error) {
			t.Error("a job was done, want none")
			return engine.Completion{}, nil
		})
		time.Sleep(settings.JobTimeout - time.Second)
		if got := engineOf.asked.Load(); got < 2 || got > 25 {
			t.Errorf("the engine was asked %d times, want it now and then", got)
		}
		for _, job := range jobs {
			if state, _ := engineOf.Outcome(job.Key); state != enginetest.Ready && state != enginetest.Locked {
				t.Errorf("job %s is %s, want nothing said of it", job.Key, state)
			}
		}
		_ = stop(t.Context())
	})
}
