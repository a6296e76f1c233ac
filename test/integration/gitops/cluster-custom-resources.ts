import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { type GitopsCluster, GROUP } from '../../support/gitops-cluster.ts';
import { APPLY } from '../../support/services/kube.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

/** The API server takes the definitions, what they are for, and nothing else. */
export function customResources(lab: () => GitopsCluster): void {
  beforeAll(async () => {
    await lab().kube.define(lab().installed('sources/crds/primitives.yaml'));
  });

  it('has a sample of each of the six kinds, with the pull policy by default', async () => {
    await lab().kube.apply(lab().installed('sources/crds/samples/primitives.yaml'));
    const found = JSON.parse(await lab().kube.kubectl(['get', 'primitives', '--output=json']));
    const samples: readonly { kind: string; spec: unknown }[] = found.items;
    expect(samples.map(({ kind }) => kind).sort()).toEqual([
      'Agent',
      'Domain',
      'Integration',
      'Process',
      'Projection',
      'UISurface',
    ]);
    for (const { spec } of samples) {
      expect(spec).toMatchObject({ imagePullPolicy: 'IfNotPresent', image: expect.stringContaining(DIGEST) });
    }
  });

  const pinned = `ghcr.io/acme/domain-orders:v1.0.0@${DIGEST}`;
  it.each<[string, object]>([
    ['a digest alone', { image: `ghcr.io/acme/domain-orders@${DIGEST}` }],
    ['a preview', { image: `ghcr.io/acme/domain-orders:${'a'.repeat(40)}` }],
    ['a registry with a port', { image: `localhost:5000/a/b__c-d.e:1@${DIGEST}` }],
    ['no replicas', { image: pinned, replicas: 0 }],
    ['another pull policy', { image: pinned, imagePullPolicy: 'Always' }],
  ])('accepts %s', async (_, spec) => {
    await lab().kube.apply(domain(spec), { dryRun: true });
  });

  it.each<[string, object, string]>([
    ['no spec', {}, 'spec.image: Required value'],
    ['an empty image', { image: '' }, 'spec.image'],
    ['neither tag nor digest', { image: 'ghcr.io/acme/orders' }, 'must have a tag or a digest'],
    ['a port and no tag', { image: 'localhost:5000/orders' }, 'must have a tag or a digest'],
    ['a tag that moves', { image: 'ghcr.io/acme/orders:latest' }, 'must not have a tag that moves'],
    [
      'a tag that moves, with a digest',
      { image: `ghcr.io/a/b:main@${DIGEST}` },
      'must not have a tag that moves',
    ],
    ['upper case in the path', { image: `ghcr.io/Acme/orders:1` }, 'spec.image in body should match'],
    ['a short digest', { image: 'ghcr.io/acme/orders:1@sha256:00' }, 'spec.image in body should match'],
    ['a template', { image: 'ghcr.io/acme/orders:{{ .Values.tag }}' }, 'spec.image in body should match'],
    ['a second line', { image: 'ghcr.io/acme/orders:1\nx' }, 'spec.image in body should match'],
    ['split values', { image: { repository: 'a', tag: 'b' } }, '.spec.image: expected string'],
    [
      'an unknown pull policy',
      { image: pinned, imagePullPolicy: 'Sometimes' },
      'Unsupported value: "Sometimes"',
    ],
    ['fewer replicas than none', { image: pinned, replicas: -1 }, 'should be greater than or equal to 0'],
    ['an unknown field', { image: pinned, tag: 'x' }, '.spec.tag: field not declared in schema'],
    [
      'a variable with two values',
      {
        image: pinned,
        env: [{ name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
      },
      'must have either value or valueFrom',
    ],
    [
      'a variable from nowhere',
      { image: pinned, env: [{ name: 'A', valueFrom: {} }] },
      'must have either secretKeyRef or configMapKeyRef',
    ],
    ['a variable without a name', { image: pinned, env: [{ value: 'x' }] }, 'name'],
    ['a quantity that is none', { image: pinned, resources: { limits: { cpu: 'many' } } }, 'should match'],
  ])('rejects %s', async (_, spec, message) => {
    await expect(lab().kube.apply(domain(spec), { dryRun: true })).rejects.toThrow(message);
  });

  it('keeps status and scale apart from the rest', async () => {
    await lab().kube.apply(domain({ image: pinned }));
    const patch = ['patch', 'domain', 'orders', '--type=merge', '-p'];
    const status = JSON.stringify({ spec: { image: 'a/b:1' }, status: { replicas: 1, image: pinned } });
    await lab().kube.kubectl([...patch, status, '--subresource=status']);
    await lab().kube.kubectl(['scale', 'domain/orders', '--replicas=3']);
    const [orders] = await lab().kube.get<object>(
      `apis/${GROUP}/v1alpha1/domains?fieldSelector=metadata.name=orders`,
    );
    expect(orders).toMatchObject({ spec: { image: pinned, replicas: 3 }, status: { replicas: 1 } });
    const table = await lab().kube.kubectl(['get', 'domains', 'orders']);
    expect(table).toMatch(/NAME\s+IMAGE\s+READY\s+AGE\norders\s+ghcr\.io/);
  });

  it.each(['deployment', 'operator'])(
    'accepts what the chart of primitives renders as %s',
    async (runtime) => {
      const values = { kind: 'domain', runtime, 'image.ref': pinned };
      const rendered = await run(tool('helm'), [
        'template',
        'domain-orders-v1',
        join(lab().folder, 'sources/charts/primitive-runtime'),
        '--set=enabled=true',
        ...Object.entries(values).map(([key, value]) => `--set-string=${key}=${value}`),
      ]);
      const applied = await lab().kube.kubectl([...APPLY, '--dry-run=server', '--output=yaml'], rendered);
      expect(applied).toContain(`image: ${pinned}\n`);
      // Of a custom resource by the default of its schema.
      expect(applied).toContain('imagePullPolicy: IfNotPresent\n');
    },
  );
}

function domain(spec: object): string {
  return JSON.stringify({
    apiVersion: `${GROUP}/v1alpha1`,
    kind: 'Domain',
    metadata: { name: 'orders' },
    spec,
  });
}
