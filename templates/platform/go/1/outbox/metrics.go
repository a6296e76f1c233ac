package outbox

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Measure observes the deliveries of each subscription, as read returns them, whenever metrics are collected: how many wait,
// fail or are dead, and how old the oldest event is that was not delivered.
func Measure(read func(context.Context) ([]Subscription, error)) error {
	meter := otel.Meter("outbox")
	deliveries, err := meter.Int64ObservableGauge("outbox.deliveries", metric.WithUnit("{aggregate}"),
		metric.WithDescription("Aggregates with events that are not delivered, by state."))
	if err != nil {
		return err
	}
	age, err := meter.Float64ObservableGauge("outbox.age", metric.WithUnit("s"),
		metric.WithDescription("Age of the oldest event that is not delivered."))
	if err != nil {
		return err
	}
	_, err = meter.RegisterCallback(func(ctx context.Context, observer metric.Observer) error {
		ctx, cancel := context.WithTimeout(ctx, claimTimeout)
		defer cancel()
		all, err := read(ctx)
		for _, one := range all {
			name := attribute.String("subscription", one.Name)
			state := func(state string, count int64) {
				observer.ObserveInt64(deliveries, count, metric.WithAttributes(name, attribute.String("state", state)))
			}
			state("waiting", one.Waiting-one.Failing-one.Dead)
			state("failing", one.Failing)
			state("dead", one.Dead)
			var oldest float64
			if one.Oldest != nil {
				oldest = time.Since(*one.Oldest).Seconds()
			}
			observer.ObserveFloat64(age, oldest, metric.WithAttributes(name))
		}
		return err
	}, deliveries, age)
	return err
}
