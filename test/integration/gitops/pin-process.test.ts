import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { createRegistryClient } from '../../../src/oci/client.ts';
import { type LanesWorld, startLanes, valuesFile } from '../../support/lanes.ts';
import { PublishWorld } from '../../support/publish-world.ts';
import { type Distribution, startDistribution } from '../../support/services/distribution.ts';
import { attempt, devCli } from '../../support/services/run.ts';

const FILE = valuesFile('dev', 'domain-orders-v1');

let registry: Distribution;
let releases: PublishWorld;
beforeAll(async () => {
  registry = await startDistribution();
  releases = new PublishWorld({ prefix: `${registry.host}/acme` });
});
afterAll(() => registry?.[Symbol.asyncDispose]());

/** A GitOps repository whose source has its releases at a host. */
function lanesOf(host: string): Promise<LanesWorld> {
  const source = { repository: 'acme/app', registry: `${host}/acme`, trusted: [{ key: 'keys/main.pub' }] };
  return startLanes({ registry: `${host}/acme`, sources: [source] });
}

/** Publishes a commit to the registry; its id and the reference of its image. */
async function publish(content: string) {
  const commit = releases.commit(content);
  let requests = 0;
  const client = createRegistryClient({ processes: createProcesses({}), credentials: {}, access: 'write' });
  const counted = Object.assign(client, { requests: () => requests++ });
  const sources = { 'domain/orders': content };
  const { report } = await releases.publish({ as: 'main', commit, sources, registry: counted });
  await client.close();
  return { commit, ref: report.components[0]?.ref ?? '' };
}

const pin = (release: string) => [
  'gitops',
  'pin',
  '--release',
  release,
  '--lane',
  'dev',
  '--write',
  '--json',
];

describe('gitops pin --write, as a process', () => {
  test('two at once write one release, whole, and neither loses what the other wrote', async () => {
    await using lanes = await lanesOf(registry.host);
    await lanes.repo.commit({
      'keys/main.pub': releases.signers.main.publicKey,
      [FILE]: 'image:\n  ref: ""\n',
    });
    const [one, two] = [await publish('v1'), await publish('v2')];
    const cwd = lanes.repo.root;
    const ends = await Promise.all(
      [one, two].map(({ commit }) => attempt(process.execPath, [devCli, ...pin(commit)], { cwd })),
    );
    const written = await lanes.repo.read(FILE);
    expect([one, two].map(({ ref }) => `image:\n  ref: "${ref}"\n`)).toContain(written);
    for (const [i, { code, stdout }] of ends.entries()) {
      const document = JSON.parse(stdout);
      // The later one saw what the earlier one wrote, or was refused.
      if (code === 0) expect(document.edits[0].after).toBe([one, two][i]?.ref);
      else expect(document.code).toMatch(/^pin-(busy|moved)$/);
    }
    expect(ends.some(({ code }) => code === 0)).toBe(true);
    expect(lanes.repo.git('status', '--porcelain')).toBe(` M ${FILE}`);
  });

  test('ends at Ctrl-C while a registry hangs, and has written nothing', async () => {
    const server = createServer(() => server.emit('asked')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { readonly port: number };
    await using lanes = await lanesOf(`127.0.0.1:${port}`);
    const child = spawn(process.execPath, [devCli, ...pin('main')], { cwd: lanes.repo.root });
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    await once(server, 'asked');
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    server.close();
    expect(code).toBe(130);
    expect(JSON.parse(Buffer.concat(out).toString())).toMatchObject({ code: 'interrupted' });
    expect(lanes.repo.git('status', '--porcelain')).toBe('');
  });
});
