// Command outbox measures the dispatcher of a domain: it saves events, takes them as their consumer, and prints how long
// each was under way. Arguments: the program of the domain, a folder for logs, and the names of scenarios; all by default.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/acme/app/primitives/domain/items/internal/platform/outbox"
	"github.com/acme/app/primitives/domain/items/internal/store"
)

var (
	program, folder = os.Args[1], os.Args[2]
	pool            *pgxpool.Pool
	saved           sync.Map // event id -> time of commit
	count           atomic.Int64
	mutex           sync.Mutex
	late            []time.Duration // of delivered events that are measured
)

func main() {
	var err error
	pool, err = pgxpool.New(context.Background(), os.Getenv("DATABASE_URL")+"&pool_max_conns=40")
	check(err)
	scenarios := []struct {
		name string
		run  func()
	}{{"idle", idle}, {"hanging", hanging}, {"sustained", sustained}, {"backlog", backlog}, {"outage", outage}, {"replay", replay}}
	for _, scenario := range scenarios {
		if names := os.Args[3:]; len(names) == 0 || slices.Contains(names, scenario.name) {
			reset()
			scenario.run()
		}
	}
}

func idle() {
	defer consume("127.0.0.1:0")()
	defer dispatch("idle")()
	time.Sleep(3 * time.Second)
	for range 100 {
		save("idle-", 1)
		time.Sleep(150 * time.Millisecond)
	}
	settle()
	report("idle: delivery after commit", measured())
}

func hanging() {
	defer consume("127.0.0.1:0")()
	defer dispatch("hanging")()
	time.Sleep(2 * time.Second)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			for range 100 {
				save("hang-", 1)
			}
		})
	}
	for range 5 * 50 {
		save("healthy-", 1)
		time.Sleep(18 * time.Millisecond)
	}
	group.Wait()
	report("healthy events while 1,000 aggregates begin to hang (5 s)", measured())
	for range 30 * 50 {
		save("healthy-", 1)
		time.Sleep(18 * time.Millisecond)
	}
	time.Sleep(time.Second)
	report("healthy events beside 1,000 hanging aggregates (30 s)", measured())
}

func sustained() {
	defer consume("127.0.0.1:0")()
	defer dispatch("sustained")()
	time.Sleep(2 * time.Second)
	began := time.Now()
	var group sync.WaitGroup
	var total atomic.Int64
	for range 16 {
		group.Go(func() {
			for i := 0; time.Since(began) < 20*time.Second; i++ {
				if ahead := time.Duration(total.Add(1))*time.Millisecond - time.Since(began); ahead > 0 {
					time.Sleep(ahead)
				}
				save("live-", 1)
			}
		})
	}
	group.Wait()
	writing := time.Since(began)
	settle()
	fmt.Printf("sustained: %d events saved at %.0f/s, delivered at %.0f/s\n", total.Load(), float64(total.Load())/writing.Seconds(), float64(total.Load())/time.Since(began).Seconds())
	report("sustained: delivery after commit", measured())
}

func backlog() {
	fill(20_000, 20_000)
	defer consume("127.0.0.1:0")()
	count.Store(0)
	began := time.Now()
	defer dispatch("backlog")()
	for count.Load() < 20_000 {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Printf("backlog: 20,000 events of 20,000 aggregates at %.0f/s\n", 20_000/time.Since(began).Seconds())
}

func outage() {
	stop := consume("127.0.0.1:0")
	defer dispatch("outage")()
	save("before-", 1)
	settle()
	stop()
	for range 2000 {
		save("outage-", 1)
	}
	time.Sleep(67 * time.Second)
	began := time.Now()
	defer consume(address)()
	settle()
	log, err := os.ReadFile(filepath.Join(folder, "outage.log"))
	check(err)
	lines := strings.Count(string(log), "\n") - strings.Count(string(log), `"msg":"delivered"`) - strings.Count(string(log), `"msg":"listening"`)
	fmt.Printf("outage: %d log lines in over 67 s with 2,000 aggregates; drained %.1f s after its end\n", lines, time.Since(began).Seconds())
}

func replay() {
	events := 200_000
	if text := os.Getenv("REPLAY_EVENTS"); text != "" {
		_, err := fmt.Sscan(text, &events)
		check(err)
	}
	defer consume("127.0.0.1:0")()
	stop := dispatch("replay-fill")
	save("first-", 1)
	settle()
	stop()
	fill(events, events/10)
	sql(`UPDATE outbox_deliveries SET delivered = saved, state = 'idle'`)
	sql(`VACUUM ANALYZE`)
	defer dispatch("replay")()
	time.Sleep(3 * time.Second)
	after := func(duration time.Duration) func() bool {
		began := time.Now()
		return func() bool { return time.Since(began) >= duration }
	}
	quiet := commands(after(20 * time.Second))
	report("commands before the replay", quiet)
	report("live events before the replay", measured())
	count.Store(0)
	began := time.Now()
	run("events", "replay")
	var done atomic.Bool
	go func() {
		for !done.Load() {
			time.Sleep(time.Second)
			var running bool
			check(pool.QueryRow(context.Background(), `SELECT EXISTS (SELECT FROM outbox_replays WHERE state = 'running')`).Scan(&running))
			done.Store(!running)
		}
	}()
	over := after(9 * time.Minute)
	during := commands(func() bool { return over() || done.Load() })
	settle()
	report("commands during the replay", during)
	report("live events during the replay", measured())
	sent := count.Load() - int64(len(during))
	if !done.Load() {
		fmt.Printf("replay: %d of %d events after 9 minutes\n", sent, events)
		return
	}
	fmt.Printf("replay: %d of %d events at %.0f/s, to its end\n", sent, events, float64(sent)/time.Since(began).Seconds())
}

// commands saves events at 50/s until over, half of them of aggregates that have events, and returns how long each took.
func commands(over func() bool) (took []time.Duration) {
	for i := 0; !over(); i++ {
		start := time.Now()
		if i%2 == 0 {
			save("live-", 1)
		} else {
			saveTo(fmt.Sprintf("s%d", 1+i*37%1000), "live-")
		}
		took = append(took, time.Since(start))
		time.Sleep(20*time.Millisecond - min(20*time.Millisecond, time.Since(start)))
	}
	return took
}

func save(prefix string, n int) {
	for range n {
		saveTo(prefix+rand.Text(), prefix)
	}
}

func saveTo(aggregate, prefix string) {
	event := outbox.Event{
		ID: prefix + rand.Text(), Tenant: "acme", Type: "test.Happened", AggregateType: "thing", AggregateID: aggregate,
		Time: time.Now(), Data: []byte(`{"item":{"id":"i1","title":"First","version":"1","createTime":"2030-01-02T03:04:05Z"}}`),
	}
	check(pgx.BeginFunc(context.Background(), pool, func(tx pgx.Tx) error {
		return store.AppendEvents(context.Background(), tx, event)
	}))
	saved.Store(event.ID, time.Now())
}

// fill saves events of aggregates s1, s2, … in one statement.
func fill(events, aggregates int) {
	sql(fmt.Sprintf(`
		INSERT INTO outbox_subscriptions (name, from_start) VALUES ('default', true) ON CONFLICT DO NOTHING;
		INSERT INTO outbox_streams (tenant_id, aggregate_type, aggregate_id, saved) SELECT 'acme', 'thing', 's' || n, %[1]d / %[2]d FROM generate_series(1, %[2]d) AS n;
		INSERT INTO outbox (message_id, tenant_id, type, aggregate_type, aggregate_id, sequence, occurred_at, actor, trace_parent, trace_state, data)
		SELECT 's' || n || '-' || q, 'acme', 'test.Happened', 'thing', 's' || n, q, now(), '', '', '', '{"item":{"id":"i1","title":"First","version":"1"}}'
		FROM generate_series(1, %[1]d / %[2]d) AS q, generate_series(1, %[2]d) AS n;
		INSERT INTO outbox_deliveries (subscription_id, stream_id, saved, delivered, state)
		SELECT subscription_id, stream_id, saved, 0, 'live' FROM outbox_streams, outbox_subscriptions ON CONFLICT DO NOTHING`, events, aggregates))
	sql(`VACUUM ANALYZE`)
}

func reset() {
	sql(`TRUNCATE outbox, outbox_streams, outbox_subscriptions, outbox_deliveries, outbox_replays, outbox_discards`)
	saved.Clear()
	measured()
}

func sql(text string) {
	_, err := pool.Exec(context.Background(), text)
	check(err)
}

var address string

// consume takes events at an address until the returned function is called.
func consume(at string) (stop func()) {
	listener, err := net.Listen("tcp", at)
	check(err)
	address = listener.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct{ ID string }
		body, _ := io.ReadAll(r.Body)
		if json.Unmarshal(body, &event) != nil {
			return
		}
		if strings.HasPrefix(event.ID, "hang-") {
			<-r.Context().Done()
			return
		}
		count.Add(1)
		now := time.Now()
		go func() {
			// The commit may not be known yet.
			for range 100 {
				if at, ok := saved.LoadAndDelete(event.ID); ok {
					mutex.Lock()
					late = append(late, max(0, now.Sub(at.(time.Time))))
					mutex.Unlock()
					return
				}
				if event.ID[0] == 's' {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = server.Serve(listener) }()
	return func() { _ = server.Close() }
}

// dispatch runs the dispatcher until the returned function is called.
func dispatch(log string) (stop func()) {
	file, err := os.Create(filepath.Join(folder, log+".log"))
	check(err)
	command := exec.Command(program, "dispatch")
	command.Stdout, command.Stderr = file, file
	command.Env = append(os.Environ(), "EVENTS_URL=http://"+address+"/", "HTTP_ADDRESS=127.0.0.1:0")
	check(command.Start())
	return func() { _ = command.Process.Kill(); _ = command.Wait() }
}

func run(args ...string) string {
	var out bytes.Buffer
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = &out, os.Stderr
	check(command.Run())
	return out.String()
}

// settle waits until all events that are measured are delivered.
func settle() {
	for left := true; left; time.Sleep(20 * time.Millisecond) {
		left = false
		saved.Range(func(any, any) bool { left = true; return false })
	}
}

func measured() []time.Duration {
	mutex.Lock()
	defer mutex.Unlock()
	all := late
	late = nil
	return all
}

func report(what string, all []time.Duration) {
	slices.Sort(all)
	if len(all) == 0 {
		fmt.Printf("%s: none\n", what)
		return
	}
	at := func(part float64) float64 { return float64(all[int(part*float64(len(all)-1))].Microseconds()) / 1000 }
	fmt.Printf("%s: %d, p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", what, len(all), at(0.5), at(0.99), at(1))
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
