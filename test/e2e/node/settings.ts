import type { KindName } from '../journey/primitives.ts';
import { componentOf, NAMESPACE, type NodeWorld } from './world.ts';

/** Who calls others, by the name of its token; `test` stands for what is outside. */
const CALLERS = ['dispatcher', 'process', 'integration', 'agent', 'uisurface', 'test'] as const;

/** The token that a service calls others with. */
export const tokenOf = (caller: (typeof CALLERS)[number]) => `token-of-${caller}`;

const http = (kind: KindName, path: string) => `http://${componentOf(kind)}:8080${path}`;
const CREATE = http('domain', '/acme.domain.orders.v1.OrdersService/CreateOrder');
const callers = { ACCEPT_CALLERS: { secret: 'callers', key: 'tokens' } };
const token = (key: (typeof CALLERS)[number]) => ({ SERVICE_TOKEN_FILE: { secret: 'tokens', key } });
const database = (key: string) => ({ name: 'databases', key });

/** What READMEs say that each kind has to be given, with the names of services in the lane. */
export async function settings({
  node,
  postgres,
  engine,
  model,
  lab,
}: NodeWorld): Promise<Readonly<Record<KindName, object>>> {
  const { hostname, port } = new URL(await node.expose(postgres.url));
  const network = { to: [{ cidr: `${hostname}/32`, ports: [Number(port)] }] };
  return {
    domain: {
      replicas: 2,
      env: { EVENTS_URL: http('projection', '/v1/events') },
      secrets: { DATABASE_URL: database('orders') },
      files: { ...callers, ...token('dispatcher') },
      network,
    },
    projection: {
      secrets: { DATABASE_URL: database('order_list') },
      files: { ...callers, ACCEPT_EVENTS: { secret: 'tokens', key: 'dispatcher' } },
      network,
    },
    process: {
      env: {
        ENGINE_URL: await node.expose(engine.url),
        ENGINE_AUTH: 'none',
        WORK_URL: CREATE,
        JOB_TIMEOUT: '2s',
        RETRY_BACKOFF: '1s',
      },
      files: { ...callers, ...token('process') },
    },
    integration: {
      env: {
        RESOURCE_URL: http('integration', '/mcp'),
        ISSUER_URL: lab.sigstore.issuer,
        QUERY_URL: http('projection', '/v1/orders'),
        REQUEST_URL: CREATE,
      },
      files: { ...callers, ...token('integration'), JWKS_FILE: { configMap: 'issuer', key: 'jwks.json' } },
    },
    agent: {
      env: {
        MODEL_URL: await node.expose(model.url),
        MODEL_NAME: 'small',
        SEND_CALLER_TO_MODEL: 'true',
        TOOL_GRANTS: 'order_something,find_order',
        ORDER_DESK_URL: http('integration', '/mcp'),
      },
      secrets: { CHECKPOINT_URL: database('concierge'), MODEL_API_KEY: { name: 'model', key: 'key' } },
      files: { ...callers, ...token('agent') },
      network,
    },
    uisurface: {
      env: {
        COMMANDS_URL: http('domain', ''),
        QUERIES_URL: http('projection', '/v1/'),
      },
      files: { ...token('uisurface'), ACCEPT_PROXY: { secret: 'tokens', key: 'test' } },
    },
  };
}

/** Databases, and the Secrets and the ConfigMap that the settings name: what an operator of the lane has made. */
export async function provide({ kube, node, postgres, model, lab }: NodeWorld): Promise<void> {
  const names = ['orders', 'order_list', 'concierge'];
  for (const name of names) await postgres.execute(`CREATE DATABASE ${name}`);
  const url = await node.expose(postgres.url);
  const jwks = await (await fetch(`${lab.sigstore.issuer}/keys`)).text();
  const secrets = {
    databases: Object.fromEntries(names.map((name) => [name, new URL(`/${name}`, url).href])),
    model: { key: model.key },
    tokens: Object.fromEntries(CALLERS.map((caller) => [caller, tokenOf(caller)])),
    callers: { tokens: CALLERS.map((caller) => `${tokenOf(caller)}\n`).join('') },
  };
  const objects = [
    ...Object.entries(secrets).map(([name, stringData]) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: NAMESPACE },
      stringData,
    })),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'issuer', namespace: NAMESPACE },
      data: { 'jwks.json': jwks },
    },
  ];
  await kube.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
}
