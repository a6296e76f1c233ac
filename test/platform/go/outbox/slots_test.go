package outbox

import (
	"testing"
	"testing/synctest"
	"time"
)

// deliverFor simulates deliveries that take a time each, and returns the highest number of them at once.
func deliverFor(t *testing.T, s *slots, count int, took time.Duration) (highest int) {
	under := 0
	for range count {
		s.giveBack(s.take(t.Context()) - 1)
		release := s.hold()
		under++
		highest = max(highest, under)
		go func() {
			time.Sleep(took)
			release(true)
			under--
		}()
		synctest.Wait()
	}
	time.Sleep(took)
	return highest
}

func TestSlots_Quick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := deliverFor(t, newSlots(4, 100), 50, time.Millisecond); got != 4 {
			t.Errorf("%d quick deliveries at once, want 4", got)
		}
	})
}

func TestSlots_SlowDeliveriesLeaveTheirSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(4, 100)
		deliverFor(t, s, 20, time.Millisecond)
		if got := deliverFor(t, s, 50, time.Minute); got != 50 {
			t.Errorf("%d deliveries at once that hang, want all", got)
		}
		if got := deliverFor(t, newSlots(4, 10), 20, time.Minute); got != 10 {
			t.Errorf("%d deliveries at once that hang, want the limit", got)
		}
	})
}

func TestSlots_SlowConsumerGetsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(4, 100)
		deliverFor(t, s, 100, 40*time.Millisecond)
		if got := deliverFor(t, s, 100, 150*time.Millisecond); got > 4 {
			t.Errorf("%d deliveries at once to a consumer that becomes slow, want 4", got)
		}
	})
}
