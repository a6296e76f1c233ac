import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { schemasOf } from '../../../.ci/argocd/schemas.ts';
import { bundledKit } from '../../../src/features/gitops-init/bundled.ts';
import { renderKit } from '../../../src/features/gitops-init/render.ts';
import { kitText } from '../../../src/features/gitops-init/settings.ts';
import { writeKubernetesSchemas } from '../../support/kubernetes-schemas.ts';
import { attempt } from '../../support/services/run.ts';
import { moduleFolder } from '../../tools/go.ts';
import { tool } from '../../tools/locate.ts';

type Files = Readonly<Record<string, string>>;

const LANE = 'argocd/applicationsets/lane-production.yaml';
const PREVIEW = 'argocd/applicationsets/preview-components.yaml';
const REF = `ghcr.io/acme/domain-orders:${'0'.repeat(40)}@sha256:${'a'.repeat(64)}`;
const ORDERS: Files = {
  'environments/_shared/components/apps/orders/component.yaml':
    'name: orders\narea: apps\nchart: primitive-runtime\nimage: domain-orders\n',
  'sources/values/_shared/apps/orders.yaml': 'enabled: false\nreplicas: 2\n',
  'sources/values/env/production/apps/orders.yaml': `enabled: true\nreplicas: 7\nimage:\n  ref: ${REF}\n`,
};

let folder: string;
let kit: Files;
/** Schemas of Kubernetes, as the variable of the workflow names them. */
let kubernetes: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-deployments-'));
  const source = await bundledKit();
  const origin = { remote: 'https://github.com/acme/gitops', branch: 'main' };
  const settings = kitText({ lanes: ['dev', 'production'] }, origin, source.resources);
  kit = { ...Object.fromEntries(await renderKit(settings, source)), 'kit.yaml': settings, ...ORDERS };
  await write('base', kit);
  kubernetes = join(folder, 'kubernetes');
  await writeKubernetesSchemas(kubernetes);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(root: string, files: Files) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, root, path)), { recursive: true });
    await writeFile(join(folder, root, path), text);
  }
}

let changes = 0;

/** A change of one file of the kit; the folder that it is in. */
async function changed(path: string, edit: (text: string) => string): Promise<string> {
  changes += 1;
  const root = `change-${changes}`;
  await cp(join(folder, 'base'), join(folder, root), { recursive: true });
  const text = edit(kit[path] ?? '');
  expect(text).not.toBe(kit[path]);
  await write(root, { [path]: text });
  return root;
}

/** What the gate of the base says of a change, and what it renders. */
async function judge(root: string) {
  const out = join(folder, root, '../rendered', root);
  const { code, stdout, stderr } = await attempt(
    process.execPath,
    ['../base/.github/primitive/render.mjs', out],
    { cwd: join(folder, root), env: { PATH: `${dirname(tool('helm'))}:${process.env.PATH}` } },
  );
  expect(stderr).toBe('');
  const faults = [...stdout.matchAll(/^::error::(.*)$/gm)].map(([, text = '']) => decodeURIComponent(text));
  expect(code).toBe(faults.length === 0 ? 0 : 1);
  const orders = await readFile(join(out, 'production/orders.yaml'), 'utf8').catch(() => '');
  return { faults, orders };
}

/** kubeconform on what the kit has for Argo CD, as the workflow calls it. */
function conform(root: string, ...paths: readonly string[]) {
  return attempt(
    tool('kubeconform'),
    [
      ...[
        '-strict',
        '-kubernetes-version',
        '1.34.1',
        '-schema-location',
        '.github/primitive/schemas/{{.ResourceKind}}-{{.ResourceAPIVersion}}.json',
      ],
      ...['-schema-location', '.github/schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json'],
      ...['-schema-location', kubernetes],
      ...paths,
    ],
    { cwd: join(folder, root) },
  );
}

const ARGOCD = ['argocd/applicationsets', 'argocd/projects', 'argocd/bootstrap.yaml'];

describe('the gate on policies of admission', () => {
  const POLICY = 'argocd/admission/production/policy.yaml';
  const KEY = 'keys/release.pub';
  const withAdmission = async (): Promise<Files> => {
    const source = await bundledKit();
    const settings = `${kit['kit.yaml']}
sources: [{ repository: acme/app, registry: ghcr.io/acme, trusted: [{ key: ${KEY} }] }]
admission: { engine: kyverno }
`;
    const files = await renderKit(settings, source, async () => new Map([[KEY, 'one\n']]));
    const installed = JSON.stringify({ files: Object.fromEntries(files) });
    return {
      ...Object.fromEntries(files),
      ...{ 'kit.yaml': settings, [KEY]: 'one\n', '.github/primitive/installed.json': installed },
    };
  };

  test('passes those that were made, and no other', async () => {
    const files = await withAdmission();
    const judged = async (more: Files) => {
      const root = `admission-${++changes}`;
      await write(root, { ...kit, ...files, ...more });
      return (await judge(root)).faults;
    };
    expect(await judged({})).toEqual([]);
    const audited = (files[POLICY] ?? '').replace('- Deny', '- Audit');
    expect(await judged({ [POLICY]: audited })).toEqual([
      expect.stringContaining(`${POLICY} is not as it was made`),
    ]);
    expect(await judged({ [KEY]: 'two\n' })).toEqual([expect.stringContaining(`${KEY} has changed since`)]);
  });
});

describe('the gate on ApplicationSets', () => {
  test('renders with the values that they name, in their order', async () => {
    expect((await judge('base')).orders).toContain('replicas: 7');
    const order = await changed(LANE, (text) => {
      const [shared, own] = [
        "'/sources/values/_shared/{{ .area }}/{{ .name }}.yaml'",
        "'/sources/values/env/production/{{ .area }}/{{ .name }}.yaml'",
      ];
      return text.replace(shared, 'HERE').replace(own, shared).replace('HERE', own);
    });
    // Values of all lanes come last there, and disable the component.
    const judged = await judge(order);
    expect(judged).toMatchObject({ faults: [], orders: expect.not.stringContaining('replicas') });
  });

  test.each<[string, string, (text: string) => string, string]>([
    [
      'another project',
      LANE,
      (text) => text.replaceAll('project: acme-production', 'project: default'),
      '"default" as `project`',
    ],
    [
      'another namespace',
      LANE,
      (text) => text.replaceAll('namespace: acme-production', 'namespace: kube-system'),
      '"kube-system" as `destination.namespace`',
    ],
    [
      'no digest',
      LANE,
      (text) => text.replaceAll('requireDigest: true', 'requireDigest: false'),
      'as `helm.valuesObject.imagePolicy`',
    ],
    [
      'images from anywhere',
      LANE,
      (text) => text.replaceAll('allowed: [ghcr.io/acme/]', 'allowed: [docker.io/]'),
      'as `helm.valuesObject.imagePolicy`',
    ],
    [
      'images from anywhere, in previews',
      PREVIEW,
      (text) => text.replace(/allowed: \[ghcr.*\]/, 'allowed: []'),
      'as `helm.valuesObject.imagePolicy`',
    ],
    [
      'parameters after the policy',
      LANE,
      (text) =>
        text.replace(
          /( +)ignoreMissingValueFiles: true/g,
          '$&\n$1parameters: [{ name: imagePolicy.requireDigest, value: "false" }]',
        ),
      'as `helm`',
    ],
    [
      'values from elsewhere',
      LANE,
      (text) => text.replace("'/sources/values/base/off.yaml'", "'$other/off.yaml'"),
      'as `helm.valueFiles`',
    ],
    [
      'another name',
      LANE,
      (text) => text.replace('name: acme-components-production', 'name: acme-components-prod'),
      'no ApplicationSet is called acme-components-production',
    ],
  ])('refuses %s', async (_, path, edit, message) => {
    const { faults } = await judge(await changed(path, edit));
    expect(faults).toEqual([expect.stringContaining(message)]);
  });

  test('checks them by the schemas of Argo CD', async () => {
    expect(await conform('base', ...ARGOCD)).toMatchObject({ code: 0, stdout: '' });
    for (const [from, to, message] of [
      ['prune: true', 'prune: maybe', 'got string, want boolean'],
      ['selfHeal: true', 'selfheal: true', 'selfheal'],
    ] as const) {
      const { code, stdout } = await conform(
        await changed(LANE, (text) => text.replace(from, to)),
        ...ARGOCD,
      );
      expect([code, stdout]).toEqual([1, expect.stringContaining(message)]);
    }
  });

  test('has the schemas of the Argo CD that the kit is tested with', async () => {
    const module = await moduleFolder(tool('go'), 'argocd');
    const [, version = ''] = /@(v[0-9.]+)$/.exec(module) ?? [];
    for (const [file, text] of schemasOf(join(module, 'manifests/crds'), version))
      expect(kit[`.github/primitive/schemas/${file}`]).toBe(text);
  });
});

describe('the gate on custom resources of others', () => {
  /** What a ServiceMonitor, an ExternalSecret and a Rollout look like, and where in them a fault is. */
  const OTHERS = [
    {
      group: 'monitoring.coreos.com',
      version: 'v1',
      kind: 'ServiceMonitor',
      spec: { selector: {}, endpoints: [{ port: 'http' }] },
      wrong: { selector: {}, endpoints: 'http' },
      schema: { selector: { type: 'object' }, endpoints: { type: 'array' } },
    },
    {
      group: 'external-secrets.io',
      version: 'v1',
      kind: 'ExternalSecret',
      spec: { secretStoreRef: { name: 'vault', kind: 'ClusterSecretStore' }, refreshInterval: '1h' },
      wrong: { secretStoreRef: { name: 'vault', kind: 'ClusterSecretStore' }, refreshIntervall: '1h' },
      schema: { secretStoreRef: { type: 'object' }, refreshInterval: { type: 'string' } },
    },
    {
      group: 'argoproj.io',
      version: 'v1alpha1',
      kind: 'Rollout',
      spec: { replicas: 3 },
      wrong: { replicas: 'many' },
      schema: { replicas: { type: 'integer' } },
    },
  ] as const;
  type Other = (typeof OTHERS)[number];
  const schemaPath = ({ group, kind, version }: Other) =>
    `.github/schemas/${group}/${kind.toLowerCase()}_${version}.json`;
  const schemaText = ({ schema }: Other) =>
    JSON.stringify({
      type: 'object',
      properties: { spec: { type: 'object', properties: schema, additionalProperties: false } },
    });

  /** What the gate says of a change with one of them, by a chart as it is rendered, or among raw manifests. */
  async function judged(
    root: string,
    { group, version, kind }: Other,
    spec: object,
    way: 'a chart' | 'raw manifests',
  ) {
    const object = { apiVersion: `${group}/${version}`, kind, metadata: { name: 'orders' }, spec };
    const more: Files =
      way === 'raw manifests'
        ? {
            'environments/_shared/components/apps/other/component.yaml':
              'name: other\narea: apps\nchart: raw-manifests\n',
            'sources/values/env/production/apps/other.yaml': JSON.stringify({
              enabled: true,
              manifests: [object],
            }),
          }
        : {
            'sources/charts/primitive-runtime/templates/other.yaml': `{{ if .Values.enabled }}\n---\n${stringify(object)}{{ end }}\n`,
          };
    await write(root, more);
    const { faults } = await judge(root);
    const { code, stdout } = await conform(root, join(folder, 'rendered', root, 'production'));
    return { faults, code, stdout };
  }

  test.each([
    [OTHERS[0].kind, 'a chart', OTHERS[0]],
    ...OTHERS.map((other) => [other.kind, 'raw manifests', other] as const),
  ] as const)(
    'checks a %s of %s by the schema of the repository, and lets none pass without',
    async (kind, way, other) => {
      const root = `others-${++changes}`;
      const settings = `${kit['kit.yaml']}objects: [{ group: ${other.group}, kind: ${kind} }]\n`;
      const made = await renderKit(settings, await bundledKit());
      await write(root, { ...kit, ...Object.fromEntries(made), 'kit.yaml': settings });
      // The policy is that of the commit before, which has to know the kind as well.
      const base = join(folder, 'base');
      const kept = await readFile(join(base, '.github/primitive/kit.json'), 'utf8');
      const refused = await judged(root, other, other.spec, way);
      // The one of them that every project of a lane has.
      const isKnown = kind === 'ExternalSecret';
      expect(refused.faults).toEqual(
        isKnown ? [] : [expect.stringMatching(new RegExp(`${kind} is not for components`))],
      );
      await write('base', {
        'kit.yaml': settings,
        '.github/primitive/kit.json': made.get('.github/primitive/kit.json') ?? '',
      });
      try {
        const unknown = await judged(root, other, other.spec, way);
        expect(unknown).toMatchObject({ faults: [], code: 1 });
        expect(unknown.stdout).toContain(`could not find schema for ${kind}`);
        await write(root, { [schemaPath(other)]: schemaText(other) });
        expect(await judged(root, other, other.spec, way)).toMatchObject({ faults: [], code: 0 });
        const wrong = await judged(root, other, other.wrong, way);
        expect(wrong).toMatchObject({ faults: [], code: 1 });
        expect(wrong.stdout).toMatch(/orders.* is invalid: .*(endpoints|refreshIntervall|replicas)/s);
      } finally {
        await write('base', { 'kit.yaml': kit['kit.yaml'] ?? '', '.github/primitive/kit.json': kept });
      }
    },
  );

  test('refuses an object that it cannot read', async () => {
    const root = await changed('sources/charts/primitive-runtime/templates/processes.yaml', (text) =>
      text.replace('apiVersion: v1\n', '{"apiVersion": "v1", "kind": "Role"}\n---\napiVersion: v1\n'),
    );
    expect((await judge(root)).faults).toEqual([
      expect.stringContaining('an object has no `kind` at the start of a line'),
    ]);
  });
});
