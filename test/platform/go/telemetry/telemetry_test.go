package telemetry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"
)

const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"

func TestSignals(t *testing.T) {
	for _, test := range []struct {
		environ         []string
		traces, metrics bool
		failure         string
	}{
		{nil, false, false, ""},
		{[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=", "OTEL_SERVICE_NAME=service"}, false, false, ""},
		{[]string{endpoint}, true, true, ""},
		{[]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:4318/v1/metrics"}, false, true, ""},
		{[]string{"OTEL_TRACES_EXPORTER=otlp"}, true, false, ""},
		{[]string{endpoint, "OTEL_TRACES_EXPORTER=none"}, false, true, ""},
		{[]string{endpoint, "OTEL_SDK_DISABLED=true"}, false, false, ""},
		{[]string{endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"}, true, true, ""},
		{[]string{"OTEL_TRACES_EXPORTER=zipkin"}, false, false, "OTEL_TRACES_EXPORTER: must be otlp or none"},
		{[]string{endpoint, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc"}, false, true, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: must be http/protobuf"},
	} {
		traces, metrics, err := signals(test.environ)
		var failure string
		if err != nil {
			failure = err.Error()
		}
		if traces != test.traces || metrics != test.metrics || failure != test.failure {
			t.Errorf("%q: got %v, %v, %q", test.environ, traces, metrics, failure)
		}
	}
}

func TestOffByDefault(t *testing.T) {
	part, err := Start([]string{"OTEL_SERVICE_NAME=service"}, slog.New(slog.DiscardHandler))
	if err != nil || part.Stop != nil || Recording() {
		t.Fatalf("telemetry is on: %v, %v", part, err)
	}
	next := http.NewServeMux()
	if Handler(next) != http.Handler(next) {
		t.Error("requests are recorded")
	}
	err = Do(t.Context(), api.SpanKindConsumer, "job", "", "", func(ctx context.Context) error {
		if parent, _ := Current(ctx); parent != "" {
			t.Errorf("there is a span: %s", parent)
		}
		return io.EOF
	})
	if !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

// remote is the trace of a caller.
const remote = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestRecorded(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	record(t, trace.NewTracerProvider(trace.WithSpanProcessor(recorder)))
	var sent []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Get("Traceparent"))
	}))
	defer other.Close()
	var log strings.Builder
	lines := slog.New(Logs(slog.NewJSONHandler(&log, nil)))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /things/{id}", func(_ http.ResponseWriter, r *http.Request) {
		client := http.Client{Transport: Transport(http.DefaultTransport)}
		request, _ := http.NewRequestWithContext(WithService(r.Context(), "shop"), http.MethodGet, other.URL+"?secret=1", nil)
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		lines.InfoContext(request.Context(), "called")
		_ = Do(request.Context(), api.SpanKindInternal, "work", "", "", func(context.Context) error {
			return errors.New("a secret value")
		})
	})
	served := httptest.NewServer(Handler(mux, "/livez"))
	defer served.Close()
	for _, path := range []string{"/livez", "/things/1?secret=2"} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, served.URL+path, nil)
		request.Header.Set("Traceparent", remote)
		request.Header.Set("Authorization", "Bearer secret")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	// A request of no trace is not recorded.
	response, err := (&http.Client{Transport: Transport(http.DefaultTransport)}).Get(other.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()

	for len(recorder.Ended()) < 3 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	all := recorder.Ended()
	call, work, request := all[0], all[1], all[2]
	if len(all) != 3 || request.Name() != "GET /things/{id}" || work.Name() != "work" {
		t.Fatalf("got %v", all)
	}
	if request.Parent().TraceID().String() != remote[3:35] || call.Parent().SpanID() != request.SpanContext().SpanID() {
		t.Error("the spans are not those of one trace")
	}
	if want := "00-" + remote[3:35] + "-" + call.SpanContext().SpanID().String() + "-"; !strings.HasPrefix(sent[0], want) || sent[1] != "" {
		t.Errorf("sent %q, want %s", sent, want)
	}
	for _, span := range all {
		for _, attribute := range (withoutText{span}).Attributes() {
			if strings.Contains(attribute.Value.String(), "secret") {
				t.Errorf("%s: %s=%s", span.Name(), attribute.Key, attribute.Value.String())
			}
		}
		if text := (withoutText{span}).Status().Description; text != "" {
			t.Errorf("%s: %s", span.Name(), text)
		}
	}
	if line := log.String(); !strings.Contains(line, `"service":"shop","trace_id":"`+remote[3:35]+`","span_id":"`+request.SpanContext().SpanID().String()) {
		t.Errorf("log line %s", line)
	}
}

func TestHangingCollector(t *testing.T) {
	collector, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = collector.Close() }()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+collector.Addr().String())
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
	var log strings.Builder
	restored(t)
	part, err := Start([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + collector.Addr().String()}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for range 50_000 {
		_ = Do(t.Context(), api.SpanKindInternal, "work", "", "", func(context.Context) error { return nil })
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("50000 spans took %v", took)
	}
	time.Sleep(time.Second)
	began = time.Now()
	if err := part.Stop(t.Context()); err != nil || time.Since(began) > flushTimeout+time.Second {
		t.Errorf("stop took %v: %v", time.Since(began), err)
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "telemetry is not taken") {
		t.Errorf("logged %s", log.String())
	}
}

// record makes a provider that of the process until the test ends.
func record(t *testing.T, provider *trace.TracerProvider) {
	restored(t)
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	recording.Store(true)
}

// restored turns telemetry off again when the test ends.
func restored(t *testing.T) {
	t.Cleanup(func() { recording.Store(false) })
}
