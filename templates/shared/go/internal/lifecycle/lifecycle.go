// Package lifecycle starts the parts of a process together and stops them one after the other.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// Part is one thing that a process does.
type Part struct {
	Name string
	// Run blocks until Stop was called, or fails. Nil for what only has to be stopped.
	Run func() error
	// Stop ends Run, within its context. Nil for what ends by itself once the parts before it have.
	Stop func(context.Context) error
}

// grace is how long Run waits for parts that do not keep to the context of their Stop.
const grace = time.Second

// Run runs all parts until ctx ends or one of them fails, then stops them in the order in which they are given. Parts
// have to stop within timeout, all of them together; Run does not wait for one that does not.
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

// Wait is a part that only lets time pass while stopping, or less where time is up.
func Wait(delay time.Duration) Part {
	return Part{Name: "delay", Stop: func(ctx context.Context) error {
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
		return nil
	}}
}
