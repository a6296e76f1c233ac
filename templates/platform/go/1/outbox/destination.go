package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

const (
	// While a consumer is unavailable, one event after another is sent to it, with a growing pause between them.
	firstProbe = 200 * time.Millisecond
	lastProbe  = 5 * time.Second
	// logInterval is how often failures of a consumer are logged.
	logInterval = 10 * time.Second
)

// destination is what is known of the availability of a consumer.
type destination struct {
	log   *slog.Logger
	mutex sync.Mutex
	// down is since when the consumer is unavailable; zero if it is not.
	down time.Time
	// probe is when the next event may be sent while it is down, pause the time between two of them.
	probe time.Time
	pause time.Duration
	// failures is the number of failed deliveries that are not logged yet, logged the time of the last log line.
	failures int
	logged   time.Time
}

// allow returns how many of count deliveries may begin now. If there are none, it returns when to ask again.
func (d *destination) allow(count int) (int, time.Duration) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.down.IsZero() || count == 0 {
		return count, 0
	}
	if wait := time.Until(d.probe); wait > 0 {
		return 0, wait
	}
	d.probe = time.Now().Add(d.pause)
	return 1, 0
}

// unused takes back what was allowed, since nothing is due.
func (d *destination) unused() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.probe = time.Time{}
}

// answered records the outcome of a delivery that began at a time, and reports whether the consumer is available again. It
// logs failures, except for events that are refused: one line at first, and then one in each interval.
func (d *destination) answered(began time.Time, err error, event []slog.Attr) (again bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if err == nil || errors.Is(err, ErrRefused) {
		if again = !d.down.IsZero(); again {
			d.log.Info("consumer is available again", "after", time.Since(d.down).String(), "failures", d.failures)
			d.down, d.failures, d.logged = time.Time{}, 0, time.Time{}
		}
		return again
	}
	if errors.Is(err, ErrUnavailable) {
		switch now := time.Now(); {
		case d.down.IsZero():
			d.down, d.pause = now, firstProbe
			d.probe = now.Add(d.pause)
		case began.After(d.down):
			d.pause = min(2*d.pause, lastProbe)
			d.probe = now.Add(d.pause)
		}
	}
	if d.failures++; time.Since(d.logged) >= logInterval {
		d.log.LogAttrs(context.Background(), slog.LevelError, "delivery fails", append(event, slog.Int("failures", d.failures),
			slog.Bool("unavailable", !d.down.IsZero()), slog.String("error", err.Error()))...)
		d.failures, d.logged = 0, time.Now()
	}
	return false
}
