// Package telemetry records traces and metrics by OpenTelemetry and sends them over OTLP, if the variables OTEL_* ask for it.
// Without them nothing is recorded.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"example.com/service/internal/platform/lifecycle"
)

// flushTimeout limits sending what is left when the process stops, also if the collector hangs.
const flushTimeout = 2 * time.Second

const protocol = "http/protobuf"

// recording is true once Start has found that telemetry is asked for.
var recording atomic.Bool

// Start starts to record what environ, in the form of os.Environ, asks for. The returned part of the process sends the rest on
// stop; it has to be the last one.
func Start(environ []string, log *slog.Logger) (lifecycle.Part, error) {
	ended := lifecycle.Part{Name: "telemetry"}
	traces, metrics, err := signals(environ)
	if err != nil || !traces && !metrics {
		return ended, err
	}
	// A batch that is not taken is reported by outage, and what else the SDK has to say is of no use to an operator.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Debug("telemetry", "error", err) }))
	about, err := resource.New(context.Background(),
		resource.WithAttributes(attribute.String("service.name", filepath.Base(os.Args[0]))),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return ended, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	reports := &outage{log: log, failing: map[string]bool{}}
	var stops []func(context.Context) error
	if traces {
		exporter, err := otlptracehttp.New(context.Background())
		if err != nil {
			return ended, err
		}
		limits := trace.NewSpanLimits()
		// Events of spans are errors, whose texts may have values.
		limits.EventCountLimit = 0
		provider := trace.NewTracerProvider(trace.WithResource(about), trace.WithRawSpanLimits(limits),
			trace.WithBatcher(spans{exporter, reports}))
		otel.SetTracerProvider(provider)
		otel.SetTextMapPropagator(propagation.TraceContext{})
		stops = append(stops, provider.Shutdown)
	}
	if metrics {
		exporter, err := otlpmetrichttp.New(context.Background())
		if err != nil {
			return ended, err
		}
		provider := metric.NewMeterProvider(metric.WithResource(about),
			metric.WithReader(metric.NewPeriodicReader(points{exporter, reports})))
		otel.SetMeterProvider(provider)
		stops = append(stops, provider.Shutdown)
	}
	recording.Store(true)
	ended.Stop = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, flushTimeout)
		defer cancel()
		var stopping sync.WaitGroup
		for _, stop := range stops {
			// What is not taken in time is lost, which outage says.
			stopping.Go(func() { _ = stop(ctx) })
		}
		stopping.Wait()
		return nil
	}
	return ended, nil
}

// signals returns what is exported: traces and metrics that have an endpoint, or whose exporter is otlp.
func signals(environ []string) (traces, metrics bool, err error) {
	set := map[string]string{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		// An empty variable is one that is not set.
		if value = strings.TrimSpace(value); value != "" && strings.HasPrefix(name, "OTEL_") {
			set[name] = value
		}
	}
	if strings.EqualFold(set["OTEL_SDK_DISABLED"], "true") {
		return false, false, nil
	}
	traces, failed := exports(set, "TRACES")
	metrics, failure := exports(set, "METRICS")
	return traces, metrics, errors.Join(failed, failure)
}

func exports(set map[string]string, signal string) (bool, error) {
	name := "OTEL_" + signal + "_EXPORTER"
	exporter := set[name]
	asked := exporter == "otlp" || set["OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT"] != "" || set["OTEL_EXPORTER_OTLP_ENDPOINT"] != ""
	switch {
	case exporter != "" && exporter != "otlp" && exporter != "none":
		return false, fmt.Errorf("%s: must be otlp or none", name)
	case exporter == "none" || !asked:
		return false, nil
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if value := set[name]; value != "" && value != protocol {
			return false, fmt.Errorf("%s: must be %s", name, protocol)
		} else if value != "" {
			break
		}
	}
	return true, nil
}

// outage logs when the collector stops taking telemetry and when it takes it again, not for each batch.
type outage struct {
	log     *slog.Logger
	mutex   sync.Mutex
	failing map[string]bool
}

func (o *outage) report(signal string, err error) {
	o.mutex.Lock()
	before := len(o.failing)
	if err == nil {
		delete(o.failing, signal)
	} else {
		o.failing[signal] = true
	}
	after := len(o.failing)
	o.mutex.Unlock()
	switch {
	case before == 0 && after > 0:
		o.log.Warn("telemetry is not taken: it is dropped until the collector is back")
	case before > 0 && after == 0:
		o.log.Info("telemetry is taken again")
	}
}

// spans exports spans, without the texts of errors and the queries of addresses.
type spans struct {
	trace.SpanExporter
	outage *outage
}

func (s spans) ExportSpans(ctx context.Context, all []trace.ReadOnlySpan) error {
	shown := make([]trace.ReadOnlySpan, len(all))
	for i, span := range all {
		shown[i] = withoutText{span}
	}
	err := s.SpanExporter.ExportSpans(ctx, shown)
	s.outage.report("traces", err)
	return err
}

type withoutText struct{ trace.ReadOnlySpan }

func (w withoutText) Attributes() []attribute.KeyValue {
	all := slices.Clone(w.ReadOnlySpan.Attributes())
	for i, one := range all {
		if one.Key == "url.full" {
			address, _, _ := strings.Cut(one.Value.AsString(), "?")
			all[i] = one.Key.String(address)
		}
	}
	return all
}

func (w withoutText) Status() trace.Status { return trace.Status{Code: w.ReadOnlySpan.Status().Code} }

// points exports metrics.
type points struct {
	metric.Exporter
	outage *outage
}

func (p points) Export(ctx context.Context, all *metricdata.ResourceMetrics) error {
	err := p.Exporter.Export(ctx, all)
	p.outage.report("metrics", err)
	return err
}
