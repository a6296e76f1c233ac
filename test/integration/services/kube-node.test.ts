import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { joinRepository } from '../../../src/oci/reference.ts';
import { eventually } from '../../support/gitops-cluster.ts';
import { pushShell } from '../../support/services/base-images.ts';
import { startDistribution } from '../../support/services/distribution.ts';
import { serve } from '../../support/services/http.ts';
import { startKube } from '../../support/services/kube.ts';
import { NODE_ADDRESS, NODE_PROGRAMS, startKubeNode } from '../../support/services/kube-node.ts';
import { attempt } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

const leftovers = async () => ({
  groups: (await readdir('/sys/fs/cgroup/memory').catch(() => readdir('/sys/fs/cgroup'))).filter((name) =>
    name.startsWith(`primitive-node-${process.pid}-`),
  ),
  mounts: (await readFile('/proc/mounts', 'utf8'))
    .split('\n')
    .filter((line) => line.includes('primitive-node-')),
  // Those of this process: another test may have a node at the same time.
  folders: (await readdir(tmpdir())).filter((name) => {
    const file = join(tmpdir(), name, 'kubelet.json');
    if (!name.startsWith('primitive-node-') || !existsSync(file)) return false;
    return readFileSync(file, 'utf8').includes(`primitive-node-${process.pid}-`);
  }),
});

test('a node runs pods that find services by name and what was exposed, and leaves nothing', async () => {
  const before = await leftovers();
  await using registry = await startDistribution();
  await using kube = await startKube({ advertise: NODE_ADDRESS });
  const image = await pushShell(joinRepository(registry.host, 'shell'));
  const outside = await serve((_, response) => response.end('from outside'));
  {
    await using node = await startKubeNode(kube, { registry: registry.host });
    const metadata = { name: 'web', namespace: 'lane' };
    const labels = { app: 'web' };
    const serveFile =
      'mkdir -p /tmp/web && echo hello >/tmp/web/index.html && exec httpd -f -p 8080 -h /tmp/web';
    const get = `wget -qO- http://web:8080/ && wget -qO- ${await node.expose(outside.url)}`;
    const containers = (command: string) => [{ name: 'one', image, command: ['sh', '-c', command] }];
    const objects = [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'lane' } },
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: [{ port: 8080 }] } },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: containers(serveFile) } },
        },
      },
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata,
        spec: { template: { spec: { restartPolicy: 'OnFailure', containers: containers(get) } } },
      },
    ];
    await kube.apply(objects.map((object) => JSON.stringify(object)).join('\n---\n'));
    const pods = () =>
      kube.get<{ metadata: { name: string }; status: { phase: string } }>(
        'api/v1/namespaces/lane/pods?labelSelector=job-name',
      );
    const job = await eventually(async () => {
      const [pod] = await pods();
      expect(pod?.status.phase).toBe('Succeeded');
      return pod?.metadata.name ?? '';
    });
    expect(await node.log('lane', job)).toMatch(/hello\nfrom outside\n?$/);
    const answer = await fetch(await node.reach('web.lane.svc.cluster.local:8080'));
    expect(await answer.text()).toBe('hello\n');
    // What was made for a Deployment goes with it, and all with the namespace.
    await kube.kubectl(['delete', 'deployment', 'web', '-n', 'lane', '--wait=false']);
    await eventually(async () =>
      expect(await kube.get('apis/apps/v1/namespaces/lane/replicasets')).toEqual([]),
    );
    await kube.kubectl(['delete', 'namespace', 'lane', '--wait=false']);
    await eventually(async () => {
      const names = await kube.get<{ metadata: { name: string } }>('api/v1/namespaces');
      expect(names.map(({ metadata: { name } }) => name)).not.toContain('lane');
    });
  }
  await outside.close();
  expect(await leftovers()).toEqual(before);
});

test('a program of the node that is missing is named, with the command that gets it, before anything is started', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-without-'));
  try {
    for (const name of NODE_PROGRAMS) {
      const path = tool(name);
      if (name !== 'containerd') await symlink(path, join(folder, basename(path)));
    }
    const script = `
      const { startKubeNode } = await import(process.argv[1]);
      await startKubeNode({ address: { host: '127.0.0.1', port: '1' } }, { registry: '127.0.0.1:1' }).catch(
        (error) => { console.log(error.name, error.message); process.exit(7); });`;
    const module = join(import.meta.dirname, '../../support/services/kube-node.ts');
    const { code, stdout, stderr } = await attempt(
      process.execPath,
      ['--input-type=module', '--eval', script, module],
      { env: { PATH: folder, PRIMITIVE_TOOLS_DIR: join(folder, 'none') } },
    );
    expect(stdout).toMatch(/^ToolMissing containerd: version 1\.6\.0 or newer is neither on PATH/);
    expect(stdout).toContain('get it: npm run tools -- containerd');
    expect({ code, stderr }).toEqual({ code: 7, stderr: '' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
