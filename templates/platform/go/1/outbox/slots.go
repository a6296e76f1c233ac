package outbox

import (
	"context"
	"sync"
	"time"
)

// patience is how long a delivery delays others, at least.
const patience = 50 * time.Millisecond

// slots limits how many deliveries are under way. A delivery that lasts much longer than usual leaves its slot to another
// one, up to a limit for all of them. So slow events delay no others, and a consumer that is slow in general gets no more.
type slots struct {
	quick, slow chan struct{}
	mutex       sync.Mutex
	// usual is how long successful deliveries take, on average of the last ones.
	usual time.Duration
}

func newSlots(quick, all int) *slots {
	return &slots{quick: make(chan struct{}, quick), slow: make(chan struct{}, all-quick)}
}

// take waits for a free slot or the end of ctx, and takes all that are free.
func (s *slots) take(ctx context.Context) (taken int) {
	select {
	case <-ctx.Done():
		return 0
	case s.quick <- struct{}{}:
	}
	for taken = 1; ; taken++ {
		select {
		case s.quick <- struct{}{}:
		default:
			return taken
		}
	}
}

func (s *slots) giveBack(count int) {
	for range count {
		<-s.quick
	}
}

// hold begins the use of a slot that was taken; the returned function ends it.
func (s *slots) hold() (release func(succeeded bool)) {
	began := time.Now()
	held, ended := s.quick, false
	s.mutex.Lock()
	defer s.mutex.Unlock()
	timer := time.AfterFunc(max(patience, 5*s.usual), func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if ended {
			return
		}
		select {
		case s.slow <- struct{}{}:
			<-s.quick
			held = s.slow
		default:
		}
	})
	return func(succeeded bool) {
		timer.Stop()
		s.mutex.Lock()
		defer s.mutex.Unlock()
		ended = true
		<-held
		if took := time.Since(began); succeeded {
			s.usual += (took - s.usual) / 10
		}
	}
}
