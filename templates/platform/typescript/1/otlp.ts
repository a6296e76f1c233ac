import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { type ExportResult, ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { ConfigError } from './settings.ts';

export type Signal = 'TRACES' | 'METRICS';

/** Records whether a batch of a signal was taken. */
export type Report = (signal: Signal, taken: boolean) => void;

/**
 * Makes the OpenTelemetry SDK that of the process, and returns what sends the rest and closes it. Exporters read their
 * variables themselves. Queues are bounded: what does not fit is dropped. Throws a ConfigError. Only telemetry.ts imports this
 * module, if it has to.
 */
export function openProviders(
  signals: readonly Signal[],
  environment: Readonly<Record<string, string | undefined>>,
  report: Report,
): () => Promise<unknown> {
  const number = (name: string, otherwise: number) => numberOf(environment, name, otherwise);
  const resource = defaultResource().merge(detectResources({ detectors: [envDetector] }));
  const opened: { shutdown(): Promise<void> }[] = [];
  if (signals.includes('TRACES')) {
    const exporter = new OTLPTraceExporter();
    reportTo(exporter, 'TRACES', report);
    const batches = new BatchSpanProcessor({
      exporter,
      scheduledDelayMillis: number('OTEL_BSP_SCHEDULE_DELAY', 5000),
      maxQueueSize: number('OTEL_BSP_MAX_QUEUE_SIZE', 2048),
    });
    const sampler = samplerOf(environment);
    // Events of spans are exceptions, whose texts may have what a user entered.
    const spanLimits = { eventCountLimit: 0 };
    const provider = new TracerProvider({ resource, sampler, spanLimits, spanProcessors: [batches] });
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    trace.setGlobalTracerProvider(provider);
    opened.push(provider);
  }
  if (signals.includes('METRICS')) {
    const exporter = new OTLPMetricExporter();
    reportTo(exporter, 'METRICS', report);
    const exportIntervalMillis = number('OTEL_METRIC_EXPORT_INTERVAL', 60_000);
    const exportTimeoutMillis = Math.min(exportIntervalMillis, number('OTEL_METRIC_EXPORT_TIMEOUT', 30_000));
    const options = { exporter, exportIntervalMillis, exportTimeoutMillis };
    const provider = new MeterProvider({ resource, readers: [new PeriodicExportingMetricReader(options)] });
    metrics.setGlobalMeterProvider(provider);
    opened.push(provider);
  }
  return () => Promise.allSettled(opened.map((provider) => provider.shutdown()));
}

interface Exporter<T> {
  export(batch: T, done: (result: ExportResult) => void): void;
}

/** Reports the outcome of each batch. */
function reportTo<T>(exporter: Exporter<T>, signal: Signal, report: Report): void {
  const send = exporter.export.bind(exporter);
  exporter.export = (batch, done) =>
    send(batch, (result) => {
      report(signal, result.code === ExportResultCode.SUCCESS);
      done(result);
    });
}

const ROOTS: Readonly<Record<string, (ratio: number) => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
};

function samplerOf(environment: Readonly<Record<string, string | undefined>>): Sampler {
  const name = environment.OTEL_TRACES_SAMPLER?.trim() || 'parentbased_always_on';
  const root = ROOTS[name.replace('parentbased_', '')];
  const ratio = numberOf(environment, 'OTEL_TRACES_SAMPLER_ARG', 1);
  if (root === undefined) throw new ConfigError('OTEL_TRACES_SAMPLER: is not a known sampler');
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root: root(ratio) }) : root(ratio);
}

function numberOf(
  environment: Readonly<Record<string, string | undefined>>,
  name: string,
  otherwise: number,
): number {
  const text = environment[name]?.trim() || undefined;
  const value = text === undefined ? otherwise : Number(text);
  if (!(value >= 0)) throw new ConfigError(`${name}: must be a number`);
  return value;
}
