import {
  isSpanContextValid,
  metrics,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Report, Signal } from './otlp.ts';
import { ConfigError } from './settings.ts';

/**
 * OpenTelemetry: traces and metrics of the process, sent over OTLP if the variables OTEL_* ask for it. Without them nothing
 * is recorded, and neither the SDK nor an exporter is loaded.
 */

type Environment = Readonly<Record<string, string | undefined>>;

const SIGNALS: readonly Signal[] = ['TRACES', 'METRICS'];

const PROTOCOL = 'http/protobuf';

/** What is left to send when the process stops has this long, also if the collector hangs. */
const FLUSH_MILLISECONDS = 2000;

/** Starts to record what the environment asks for, and returns what ends it. Throws a ConfigError. */
export async function startTelemetry(environment: Environment, log: Logger): Promise<() => Promise<void>> {
  const signals = signalsOf(environment);
  if (signals.length === 0) return async () => {};
  const { openProviders } = await import('./otlp.ts');
  const close = openProviders(signals, environment, outage(log));
  return async () => {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, FLUSH_MILLISECONDS);
    await Promise.race([close(), late]);
    clearTimeout(timer);
  };
}

/** The signals that are exported: those with an endpoint, or whose exporter is `otlp`; none if the SDK is disabled. */
export function signalsOf(environment: Environment): readonly Signal[] {
  // An empty variable is one that is not set.
  const get = (name: string) => environment[name]?.trim() || undefined;
  if (get('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return [];
  return SIGNALS.filter((signal) => {
    const exporter = get(`OTEL_${signal}_EXPORTER`);
    if (![undefined, 'none', 'otlp'].includes(exporter)) {
      throw new ConfigError(`OTEL_${signal}_EXPORTER: must be otlp or none`);
    }
    const endpoint = get(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) ?? get('OTEL_EXPORTER_OTLP_ENDPOINT');
    if (exporter === 'none' || (exporter === undefined && endpoint === undefined)) return false;
    const protocols = [`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`, 'OTEL_EXPORTER_OTLP_PROTOCOL'];
    const name = protocols.find((each) => get(each) !== undefined);
    if (name !== undefined && get(name) !== PROTOCOL) throw new ConfigError(`${name}: must be ${PROTOCOL}`);
    return true;
  });
}

/** Logs when the collector stops taking telemetry and when it takes it again, not for each batch. */
function outage(log: Logger): Report {
  const failing = new Set<Signal>();
  return (signal, taken) => {
    const before = failing.size;
    if (taken) failing.delete(signal);
    else failing.add(signal);
    if (before === 0 && failing.size > 0) {
      log.warn('telemetry is not taken: it is dropped until the collector is back');
    } else if (before > 0 && failing.size === 0) {
      log.info('telemetry is taken again');
    }
  };
}

/** The headers of the W3C that name the current span; undefined if none is recorded. */
export function currentTrace(): { traceparent: string; tracestate: string | undefined } | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined || !isSpanContextValid(span)) return undefined;
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0');
  return {
    traceparent: `00-${span.traceId}-${span.spanId}-${flags}`,
    tracestate: span.traceState?.serialize() || undefined,
  };
}

/** Records a request to a service: not its body, its headers and its query. */
export async function recordCall(url: URL, method: string, send: () => Promise<Response>): Promise<Response> {
  const attributes = {
    'http.request.method': method,
    'server.address': url.hostname,
    'server.port': Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
  };
  const options = {
    kind: SpanKind.CLIENT,
    attributes: { ...attributes, 'url.full': url.origin + url.pathname },
  };
  return record(`${method} ${url.pathname}`, options, 'http.client.request.duration', attributes, send);
}

type Attributes = Record<string, string | number>;

/**
 * Records what answers a request, as a current span and in a histogram with the attributes `measured`, to which `answer` may
 * add. Errors are recorded by their type alone.
 */
export async function record(
  name: string,
  options: SpanOptions,
  histogram: string,
  measured: Attributes,
  answer: (span: Span) => Promise<Response>,
): Promise<Response> {
  const start = performance.now();
  return trace.getTracer('surface').startActiveSpan(name, options, async (span) => {
    const failed = (type: string) => {
      measured['error.type'] = type;
      span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR });
    };
    try {
      const response = await answer(span);
      measured['http.response.status_code'] = response.status;
      span.setAttribute('http.response.status_code', response.status);
      if (response.status >= (options.kind === SpanKind.SERVER ? 500 : 400)) failed(String(response.status));
      return response;
    } catch (error) {
      failed(error instanceof Error ? error.name : 'unknown');
      throw error;
    } finally {
      span.end();
      duration(histogram).record((performance.now() - start) / 1000, measured);
    }
  });
}

/** As the conventions advise, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

function duration(name: string) {
  // The SDK returns the same one for the same name.
  return metrics
    .getMeter('surface')
    .createHistogram(name, { unit: 's', advice: { explicitBucketBoundaries: BUCKETS } });
}
