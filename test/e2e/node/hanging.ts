import { createServer } from 'node:net';
import { configure } from './lane.ts';
import { settings } from './settings.ts';
import { NAMESPACE, type NodeWorld } from './world.ts';

/** Gives a component's migration a database that takes connections and says nothing, and five seconds. */
export async function hang(world: NodeWorld, component: string): Promise<void> {
  const silent = createServer((socket) => socket.resume().on('error', () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  silent.unref();
  const { port } = silent.address() as { port: number };
  const { host } = new URL(await world.node.expose(`http://127.0.0.1:${port}`));
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'silent', namespace: NAMESPACE },
    stringData: { url: `postgres://nobody@${host}/nothing` },
  };
  await world.kube.apply(JSON.stringify(secret));
  await configure(world, {
    [component]: {
      secrets: { DATABASE_URL: { name: 'silent', key: 'url' } },
      processes: { migrate: { timeoutSeconds: 5 } },
    },
  });
}

/** The values that the projection had before, with more time; a hook alone is no change, that of an account is. */
export async function heal(world: NodeWorld): Promise<object> {
  const { projection } = await settings(world);
  const serviceAccount = { annotations: { healed: 'once' } };
  return { ...projection, serviceAccount, processes: { migrate: { timeoutSeconds: 600 } } };
}
