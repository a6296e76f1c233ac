import { tool } from '../../tools/locate.ts';
import { bodyOf, serve } from './http.ts';
import { freePort } from './ports.ts';
import { answers, inFolder, removeFolder, type Service, startProgram, untilReady } from './service.ts';

/** A span, as the collector passed it on. */
export interface CollectedSpan {
  /** `service.name` of its resource. */
  readonly service: string;
  readonly trace: string;
  readonly id: string;
  /** Empty for the first of a trace. */
  readonly parent: string;
  readonly name: string;
  /** As OTLP/JSON has them. */
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** An OpenTelemetry Collector that takes OTLP over HTTP, and what it has taken. */
export interface Collector extends Service {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` has to be. */
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** The names of metrics, each after the `service.name` of who measured it. */
  readonly metrics: ReadonlySet<string>;
  /** All that was passed on, as JSON. */
  readonly texts: readonly string[];
}

/** Starts a collector, which passes on what it takes as OTLP/JSON. */
export async function startCollector(): Promise<Collector> {
  const taken = { spans: [] as CollectedSpan[], metrics: new Set<string>(), texts: [] as string[] };
  const sink = await serve((incoming, outgoing) => {
    bodyOf(incoming).then((body) => {
      take(body, taken);
      outgoing.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  return inFolder('collector', async (folder) => {
    const port = await freePort();
    const endpoint = `127.0.0.1:${port}`;
    const config = {
      receivers: { otlp: { protocols: { http: { endpoint } } } },
      exporters: { otlphttp: { endpoint: sink.url, encoding: 'json', compression: 'none' } },
      service: {
        pipelines: {
          traces: { receivers: ['otlp'], exporters: ['otlphttp'] },
          metrics: { receivers: ['otlp'], exporters: ['otlphttp'] },
        },
      },
    };
    const program = startProgram(tool('otelcol'), ['--config', `yaml:${JSON.stringify(config)}`], { folder });
    const url = `http://${endpoint}`;
    await untilReady(program, () => answers(`${url}/v1/traces`, [405]));
    const stop = async () => {
      await program.stop();
      await sink.close();
      await removeFolder(folder);
    };
    return { url, ...taken, stop, [Symbol.asyncDispose]: stop };
  });
}

interface Attributes {
  readonly attributes?: readonly { readonly key: string; readonly value: unknown }[];
}
interface Scopes {
  readonly resource: Attributes;
  readonly scopeSpans?: readonly { readonly spans: readonly OtlpSpan[] }[];
  readonly scopeMetrics?: readonly { readonly metrics: readonly { readonly name: string }[] }[];
}
interface OtlpSpan extends Attributes {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

function take(body: string, taken: { spans: CollectedSpan[]; metrics: Set<string>; texts: string[] }): void {
  taken.texts.push(body);
  const { resourceSpans = [], resourceMetrics = [] } = JSON.parse(body) as Record<string, Scopes[]>;
  for (const { resource, scopeSpans = [], scopeMetrics = [] } of [...resourceSpans, ...resourceMetrics]) {
    const service = String(Object(recordOf(resource)['service.name']).stringValue);
    for (const { metrics } of scopeMetrics) {
      for (const { name } of metrics) taken.metrics.add(`${service} ${name}`);
    }
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      taken.spans.push({
        service,
        trace: span.traceId,
        id: span.spanId,
        parent: span.parentSpanId ?? '',
        name: span.name,
        attributes: recordOf(span),
      });
    }
  }
}

function recordOf({ attributes = [] }: Attributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
}
