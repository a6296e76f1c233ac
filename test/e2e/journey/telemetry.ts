import { expect } from 'vitest';
import { type Caller, until } from './ordering.ts';
import { SERVICES, type ServiceName, type System } from './system.ts';

const GRPC_CALL = /^acme\.domain\.orders\.v1\.OrdersService\/CreateOrder$/;

/** By service: spans that the trace of an order has. */
const EXPECTED_SPANS: readonly [service: string, name: RegExp][] = [
  ['uisurface-shop', /^POST \/new$/],
  ['uisurface-shop', /^POST .*CreateOrder$/],
  ['uisurface-shop', /^GET \/v1\/orders$/],
  ['process-fulfilment', /^POST \/v1\/messages\/\{name\}$/],
  ['process-fulfilment', /^job fulfilment\.work\.request\.v1$/],
  ['agent-concierge', /^POST \/invoke$/],
  ['agent-concierge', /^invoke_agent$/],
  ['agent-concierge', /^chat small$/],
  ['agent-concierge', /^execute_tool order_something$/],
  ['agent-concierge', /^MCP send tools\/call request_order$/],
  ['agent-concierge', /^SELECT$/],
  ['integration-order-desk', /^tools\/call request_order$/],
  ['domain-orders', /^POST .*CreateOrder$/],
  ['domain-orders', GRPC_CALL],
  ['domain-orders', /^INSERT$/],
  ['domain-orders', /^publish acme\.domain\.orders\.v1\.OrderCreated$/],
  ['projection-order-list', /^POST \/v1\/events$/],
  ['projection-order-list', /^process acme\.domain\.orders\.v1\.OrderCreated$/],
  ['projection-order-list', /^SELECT$/],
];

/** Spans whose parents are of the test. */
const ROOT_SPANS: readonly string[] = [
  'agent-concierge: POST /invoke',
  'domain-orders: acme.domain.orders.v1.OrdersService/CreateOrder',
  'process-fulfilment: POST /v1/messages/{name}',
  'uisurface-shop: GET /',
  'uisurface-shop: GET /new',
  'uisurface-shop: POST /new',
];

const CAUSED_BY_GRPC: readonly string[] = [
  'domain-orders: INSERT',
  'domain-orders: publish acme.domain.orders.v1.OrderCreated',
  'projection-order-list: POST /v1/events',
  'projection-order-list: process acme.domain.orders.v1.OrderCreated',
];

const METRICS: readonly string[] = [
  'agent-concierge agent.turns',
  'agent-concierge gen_ai.client.operation.duration',
  'agent-concierge gen_ai.client.token.usage',
  'agent-concierge http.server.request.duration',
  'domain-orders http.server.request.duration',
  'domain-orders outbox.age',
  'domain-orders outbox.deliveries',
  'domain-orders rpc.server.call.duration',
  'integration-order-desk http.client.request.duration',
  'process-fulfilment process.jobs',
  'projection-order-list projection.lag',
  'uisurface-shop http.client.request.duration',
];

/** The collector has the spans of a trace in all services, their logs have it and who called; nothing has what was said. */
export async function expectTelemetry(system: System, caller: Caller): Promise<void> {
  const { trace } = caller;
  const spans = () => system.collector.spans.filter((span) => span.trace === trace);
  await until('the spans of all services', async () =>
    EXPECTED_SPANS.every(([service, name]) =>
      spans().some((span) => span.service === service && name.test(span.name)),
    ),
  ).catch((cause) => {
    const seen = new Set(spans().map(({ service, name }) => `${service}: ${name}`));
    throw new Error(`of ${EXPECTED_SPANS.join(', ')} there are ${[...seen].sort().join(', ')}`, { cause });
  });
  // All are below the requests of the test.
  const ids = new Set(spans().map(({ id }) => id));
  const roots = spans().filter(({ parent }) => !ids.has(parent));
  expect(new Set(roots.map(({ service, name }) => `${service}: ${name}`))).toEqual(new Set(ROOT_SPANS));
  // So is what a call over gRPC causes in another service.
  const [call] = roots.filter(({ name }) => GRPC_CALL.test(name));
  const caused = (id: string | undefined): readonly string[] =>
    spans()
      .filter(({ parent }) => parent === id)
      .flatMap((span) => [`${span.service}: ${span.name}`, ...caused(span.id)]);
  await until('what the call over gRPC causes', async () =>
    CAUSED_BY_GRPC.every((name) => caused(call?.id).includes(name)),
  );
  for (const name of SERVICES) {
    const lines = (await system.services[name].log()).split('\n').filter((line) => line.includes(trace));
    expect(lines.length, `${name}: lines of the trace`).toBeGreaterThan(0);
    expect(
      lines.find((line) => !/"span_id": ?"[\da-f]{16}"/.test(line)),
      `${name}: span in the log`,
    ).toBe(undefined);
  }
  const called = async (name: ServiceName, by: string) =>
    expect(await system.services[name].log(), `${name}: who called`).toMatch(
      new RegExp(`"service": ?"${by}".*${trace}|${trace}.*"service": ?"${by}"`),
    );
  await called('orders', 'shop');
  await called('orders', 'fulfilment');
  await called('orderList', 'dispatcher');
  await called('orderDesk', 'concierge');
  await called('concierge', 'test');
  await called('fulfilment', 'test');
  await until('the metrics', async () => METRICS.every((name) => system.collector.metrics.has(name)));
  const sent = system.collector.texts.join('');
  for (const secret of ['token-of-', system.model.key, 'By page', 'By process', 'By agent', 'By grpc'])
    expect(sent.includes(secret), `${secret} in the telemetry`).toBe(false);
}
