// Package operations has the commands of an operator of the outbox: events and subscriptions.
package operations

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"example.com/service/internal/platform/outbox"
	"example.com/service/internal/platform/queue"
)

const usage = `want one of
  events list [FILTER]                          events that failed
  events show ID                                data of an event
  events retry ID, or FILTER                    send events that failed again, now
  events discard -reason TEXT ID, or FILTER     send tombstones in their place
  events replay [FILTER]                        send stored events again, to one subscription
  events replays                                progress of replays
  events cancel REPLAY
  subscriptions list
  subscriptions add [-from-now] NAME            without events from before
  subscriptions pause|resume|remove NAME
  subscriptions rename NAME TO
where FILTER is -subscription, -type, -tenant, -since and -until (as 2030-01-02T03:04:05Z), or -all`

// Operation is a command of an operator. Use [Parse].
type Operation struct {
	name         string
	args         []string
	filter       outbox.Filter
	all, fromNow bool
	reason       string
}

// Run executes the operation. It prints each result as one line of JSON.
func (o Operation) Run(ctx context.Context, db *queue.Queue, out io.Writer) error {
	results, err := o.run(ctx, db)
	if err != nil {
		return err
	}
	for _, result := range results {
		err = errors.Join(err, json.NewEncoder(out).Encode(result))
	}
	return err
}

// Parse returns the operation that the arguments of the program name.
func Parse(args []string) (o Operation, err error) {
	if len(args) < 2 {
		return o, errors.New(usage)
	}
	o.name = args[0] + " " + args[1]
	flags := flag.NewFlagSet(o.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.filter.Subscription, "subscription", "", "")
	flags.StringVar(&o.filter.Type, "type", "", "")
	flags.StringVar(&o.filter.Tenant, "tenant", "", "")
	flags.BoolVar(&o.all, "all", false, "")
	flags.BoolVar(&o.fromNow, "from-now", false, "")
	flags.StringVar(&o.reason, "reason", "", "")
	into := func(to *time.Time) func(string) error {
		return func(text string) (err error) { *to, err = time.Parse(time.RFC3339, text); return err }
	}
	flags.Func("since", "", into(&o.filter.Since))
	flags.Func("until", "", into(&o.filter.Until))
	if err := flags.Parse(args[2:]); err != nil {
		return o, fmt.Errorf("%s: %w\n%s", o.name, err, usage)
	}
	o.args = flags.Args()
	if o.name == "events retry" || o.name == "events discard" {
		switch selects := o.filter != (outbox.Filter{}) || o.all; {
		case len(o.args) == 1 && !selects:
			o.filter.ID, o.args = o.args[0], nil
		case len(o.args) > 0 || !selects:
			return o, fmt.Errorf("%s: want the id of an event, or a filter\n%s", o.name, usage)
		}
	}
	if o.name == "events discard" && o.reason == "" {
		return o, fmt.Errorf("events discard: want -reason\n%s", usage)
	}
	return o, nil
}

func (o Operation) run(ctx context.Context, db *queue.Queue) ([]any, error) {
	switch fmt.Sprintf("%s/%d", o.name, len(o.args)) {
	case "events list/0":
		return list(db.StuckEvents(ctx, o.filter))
	case "events show/1":
		data, err := db.EventData(ctx, o.args[0])
		return []any{json.RawMessage(data)}, err
	case "events retry/0":
		return o.changed(db.RetryEvents(ctx, o.filter))
	case "events discard/0":
		return o.changed(db.DiscardEvents(ctx, o.filter, o.reason))
	case "events replay/0":
		id, err := o.replay(ctx, db)
		return []any{map[string]int64{"replay": id}}, err
	case "events replays/0":
		return list(db.Replays(ctx))
	case "events cancel/1":
		id, err := strconv.ParseInt(o.args[0], 10, 64)
		if err != nil {
			return nil, err
		}
		return nil, db.CancelReplay(ctx, id)
	case "subscriptions list/0":
		return list(db.Subscriptions(ctx))
	case "subscriptions add/1":
		return nil, db.AddSubscription(ctx, o.args[0], !o.fromNow)
	case "subscriptions pause/1", "subscriptions resume/1":
		return nil, db.PauseSubscription(ctx, o.args[0], o.name == "subscriptions pause")
	case "subscriptions remove/1":
		return nil, db.RemoveSubscription(ctx, o.args[0])
	case "subscriptions rename/2":
		return nil, db.RenameSubscription(ctx, o.args[0], o.args[1])
	default:
		return nil, fmt.Errorf("unknown command %s with %d arguments: %s", o.name, len(o.args), usage)
	}
}

// replay starts a replay for the selected subscription, or the only one.
func (o Operation) replay(ctx context.Context, db *queue.Queue) (int64, error) {
	if o.filter.Subscription == "" {
		known, err := db.Subscriptions(ctx)
		if err != nil {
			return 0, err
		}
		if len(known) != 1 {
			return 0, fmt.Errorf("events replay: there are %d subscriptions: name one with -subscription", len(known))
		}
		o.filter.Subscription = known[0].Name
	}
	return db.StartReplay(ctx, o.filter)
}

func (o Operation) changed(count int64, err error) ([]any, error) {
	if err == nil && count == 0 && o.filter.ID != "" {
		err = fmt.Errorf("event %s has not failed, or is being sent now", o.filter.ID)
	}
	if err != nil {
		return nil, err
	}
	return []any{map[string]int64{"events": count}}, nil
}

func list[T any](all []T, err error) (results []any, _ error) {
	for _, one := range all {
		results = append(results, one)
	}
	return results, err
}
