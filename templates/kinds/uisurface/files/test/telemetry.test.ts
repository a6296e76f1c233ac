import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ConfigError } from '../src/config.ts';
import { callHeaders } from '../src/sdk/headers.ts';
import { jsonService } from '../src/sdk/json-service.ts';
import { signalsOf } from '../src/telemetry.ts';
import { FakeSdk } from './support/fake-sdk.ts';
import { recorder } from './support/log.ts';
import { ANN, appWith } from './support/page.ts';
import { SurfaceProcess } from './support/process.ts';
import { FakeService } from './support/service.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
const [TRACE, SPAN] = ['1'.repeat(32), '2'.repeat(16)];

const SETTINGS = {
  PORT: '0',
  COMMANDS_URL: 'http://127.0.0.1:1/',
  QUERIES_URL: 'http://127.0.0.1:1/',
  ACCEPT_PROXY: 'anyone:acme',
};

test('records only what is asked for', () => {
  const both = ['TRACES', 'METRICS'];
  const cases: [Record<string, string>, string[]][] = [
    [{}, []],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_SERVICE_NAME: 'surface' }, []],
    [ENDPOINT, both],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://127.0.0.1:4318/v1/metrics' }, ['METRICS']],
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, ['TRACES']],
    [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, ['METRICS']],
    [{ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }, []],
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }, both],
  ];
  assert.deepEqual(
    cases.map(([environment]) => signalsOf(environment)),
    cases.map(([, signals]) => signals),
  );
  const refused = (environment: Record<string, string>, message: string) =>
    assert.throws(() => signalsOf(environment), new ConfigError(message));
  refused({ OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER: must be otlp or none');
  const grpc = { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
  refused(grpc, 'OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf');
});

test('requests and calls are spans of the trace, without what users enter', async () => {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  try {
    const sent: unknown[] = [];
    await using service = new FakeService(({ headers }, response) => {
      sent.push(headers.traceparent);
      response.end('{}');
    });
    const { get } = jsonService(await service.url(), callHeaders(undefined));
    const { log, records } = recorder();
    const app = appWith(new FakeSdk([]), { log });
    app.get('/called', async ({ var: { trace: current }, text }) => {
      const signal = AbortSignal.timeout(10_000);
      await get('things?secret=1', () => undefined, {
        tenant: 'acme',
        subject: undefined,
        ...current,
        signal,
      });
      return text('done');
    });
    const headers = { ...ANN, traceparent: `00-${TRACE}-${SPAN}-01` };
    await app.request('/called?secret=2', { headers });
    await app.request('/livez');
    await app.request('/nowhere', { headers: ANN });

    const spans = exporter.getFinishedSpans();
    const [call, request, other] = spans;
    assert.deepEqual(
      spans.map(({ name }) => name),
      ['GET /things', 'GET /called', 'GET /*'],
    );
    assert.deepEqual(
      [request?.spanContext().traceId, request?.parentSpanContext?.spanId, call?.parentSpanContext?.spanId],
      [TRACE, SPAN, request?.spanContext().spanId],
    );
    assert.deepEqual(sent, [`00-${TRACE}-${call?.spanContext().spanId}-01`]);
    assert.doesNotMatch(JSON.stringify([call?.attributes, request?.attributes]), /secret/);
    // A request without a trace begins one.
    assert.equal(other?.parentSpanContext, undefined);
    assert.deepEqual(
      records.map((each) => [each.trace_id, each.span_id]),
      [request, other].map((span) => [span?.spanContext().traceId, span?.spanContext().spanId]),
    );
  } finally {
    trace.disable();
    context.disable();
    propagation.disable();
  }
});

test('loads no exporter by default', async () => {
  const spy = `import { registerHooks } from 'node:module'; registerHooks({ resolve(name, context, next) {
    if (name.startsWith('@opentelemetry/')) console.log(JSON.stringify({ message: name }));
    return next(name, context);
  } });`;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(spy)}`;
  await using surface = new SurfaceProcess({ ...SETTINGS, NODE_OPTIONS });
  await surface.open();
  surface.terminate();

  const messages = (await surface.ended()).records.map(({ message }) => message);
  const loaded = messages.filter((message) => message?.startsWith('@'));
  assert.deepEqual(new Set(loaded), new Set(['@opentelemetry/api']));
});

test('a hanging collector costs one log line, and delays neither requests nor the stop', async () => {
  await using collector = new FakeService(() => {});
  await using surface = new SurfaceProcess({
    ...SETTINGS,
    OTEL_EXPORTER_OTLP_ENDPOINT: (await collector.url()).href,
    OTEL_EXPORTER_OTLP_TIMEOUT: '100',
    OTEL_BSP_SCHEDULE_DELAY: '10',
    OTEL_METRIC_EXPORT_INTERVAL: '100',
  });
  const url = await surface.open();
  const { status } = await fetch(`${url}/style.css`);
  await surface.logged('telemetry is not taken: it is dropped until the collector is back');
  for (let n = 0; n < 20; n++) await (await fetch(`${url}/style.css`)).text();

  surface.terminate();

  const { exitCode, records } = await surface.ended();
  const warnings = records.filter(({ level }) => level !== 'info').map(({ message }) => message);
  assert.deepEqual([status, exitCode, warnings.length], [200, 0, 1]);
});
