package api

import "sync"

// A retry costs as much as retryCost requests bring in, so that retries add at most a tenth to the load of an API that is
// away. A client can always afford a few.
const (
	retryCost  = 10
	maxBalance = 100
)

// budget limits the retries of all requests together.
type budget struct {
	mu      sync.Mutex
	balance int
}

func newBudget() *budget { return &budget{balance: maxBalance} }

func (b *budget) deposit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.balance = min(maxBalance, b.balance+1)
}

func (b *budget) withdraw() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.balance < retryCost {
		return false
	}
	b.balance -= retryCost
	return true
}
