// Package lifecycle starts the parts of a process together and stops them in order.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// Part is a component of a process, such as a server.
type Part struct {
	Name string
	// Run blocks until Stop is called, or returns an error. Nil for a part that only needs to be stopped.
	Run func() error
	// Stop ends Run before its context ends. Nil for a part that ends by itself after the parts before it.
	Stop func(context.Context) error
}

// grace is how long Run waits for parts whose Stop ignores its context.
const grace = time.Second

// Run runs all parts until ctx ends or one of them fails, then stops them in the given order. All parts together have
// timeout to stop; Run does not wait for a part that takes longer.
func Run(ctx context.Context, log *slog.Logger, timeout time.Duration, parts ...Part) error {
	group, running := errgroup.WithContext(ctx)
	for _, part := range parts {
		if part.Run == nil {
			continue
		}
		group.Go(func() error {
			if err := part.Run(); err != nil {
				return fmt.Errorf("%s: %w", part.Name, err)
			}
			return nil
		})
	}
	<-running.Done()
	log.Info("stopping", "timeout", timeout.String(), "cause", context.Cause(running).Error())
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		failure := stop(stopping, log, parts)
		ended <- errors.Join(group.Wait(), failure)
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(timeout + grace):
		return errors.Join(context.Cause(running), fmt.Errorf("not stopped within %v", timeout))
	}
}

func stop(ctx context.Context, log *slog.Logger, parts []Part) error {
	var failures []error
	for _, part := range parts {
		if part.Stop == nil {
			continue
		}
		if err := part.Stop(ctx); err != nil {
			failures = append(failures, fmt.Errorf("stop %s: %w", part.Name, err))
		}
		log.Info("stopped", "part", part.Name)
	}
	return errors.Join(failures...)
}

// Wait returns a part whose Stop waits for delay, or until its context ends.
func Wait(delay time.Duration) Part {
	return Part{Name: "delay", Stop: func(ctx context.Context) error {
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
		return nil
	}}
}
