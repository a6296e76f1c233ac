import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { bundledKit } from '../../../src/features/gitops-init/bundled.ts';
import { renderKit } from '../../../src/features/gitops-init/render.ts';
import { kitText } from '../../../src/features/gitops-init/settings.ts';
import { writeKubernetesSchemas } from '../../support/kubernetes-schemas.ts';
import { attempt, run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const TAGGED = `ghcr.io/acme/domain-orders:${'0'.repeat(40)}`;
const REF = `${TAGGED}@${DIGEST}`;

/** Renders as they were reviewed; `vitest run -u` writes them. */
const GOLDEN = join(import.meta.dirname, 'renders');

let root: string;
let settings: string;

/** The kit in a folder, with one lane that demands digests and one that does not. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'primitive-charts-'));
  const origin = { remote: 'https://github.com/acme/gitops', branch: 'main' };
  const kit = await bundledKit();
  settings = kitText({ lanes: ['local', 'staging'] }, origin, kit.resources).replace(
    'acme-local, digest: true',
    'acme-local, digest: false',
  );
  for (const [path, text] of await renderKit(settings, kit)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
});

afterAll(() => rm(root, { recursive: true, force: true }));

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: unknown;
}

type Rendered =
  | { readonly manifests: readonly Manifest[]; readonly text: string }
  | { readonly error: string };

/** `helm template` with the values of a lane, and others over them. */
async function render(chart: string, values: object, lane = 'staging'): Promise<Rendered> {
  const { code, stdout, stderr } = await attempt(
    tool('helm'),
    [
      ...['template', 'domain-orders-v1', join(root, 'sources/charts', chart), '--namespace', 'acme'],
      ...['base', 'cluster/main', `env/${lane}`].flatMap((place) => [
        '--values',
        join(root, 'sources/values', place, 'globals.yaml'),
      ]),
      ...['--values', '-'],
    ],
    { input: JSON.stringify(values) },
  );
  if (code !== 0) return { error: stderr };
  const manifests = parseAllDocuments(stdout)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
  return { manifests, text: stdout };
}

async function rendered(chart: string, values: object, lane?: string) {
  const result = await render(chart, values, lane);
  if ('error' in result) throw new Error(result.error);
  return result;
}

/** Every object with an image in it, at any depth: containers, and specs of custom resources. */
function imagesOf(value: unknown): readonly { readonly image: string; readonly imagePullPolicy?: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'image' in value && typeof value.image === 'string' ? [value as { image: string }] : [];
  return [...own, ...Object.values(value).flatMap(imagesOf)];
}

const pod = (image: string, policy: string | undefined) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: '{{ .Release.Name }}' },
  spec: { containers: [{ name: 'a', image, ...(policy && { imagePullPolicy: policy }) }] },
});

/** Each chart with its values for a reference, the kinds that it renders, and its golden file where that has another name. */
const CHARTS: readonly [
  name: string,
  values: (ref: string) => object,
  kinds: readonly string[],
  golden?: string,
][] = [
  ['primitive-runtime', (ref) => ({ image: { ref } }), ['Deployment', 'Service']],
  [
    'primitive-runtime',
    (ref) => ({ image: { ref }, runtime: 'operator' }),
    ['Domain'],
    'primitive-runtime-operator',
  ],
  [
    'primitive-runtime',
    (ref) => ({
      image: { ref },
      imagePullSecrets: ['pull'],
      env: { A: '1' },
      envFrom: ['db'],
      resources: { limits: { cpu: '1' } },
    }),
    ['Deployment', 'Service'],
    'primitive-runtime-more',
  ],
  [
    'smoke-jobs',
    (ref) => ({
      image: { ref },
      jobs: [
        { name: 'a', command: ['x', '{{ y }}'] },
        { name: 'b', command: ['x'] },
      ],
    }),
    ['Job', 'Job'],
  ],
  [
    'raw-manifests',
    (ref) => ({
      image: { ref },
      manifests: [
        pod('{{ include "image" . }}', 'IfNotPresent'),
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } },
      ],
    }),
    ['ConfigMap', 'Pod'],
  ],
  [
    'operators',
    (ref) => ({
      operators: { domain: { enabled: true, image: { ref } }, agent: { enabled: false, image: { ref: '' } } },
    }),
    ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Deployment'],
  ],
  ['db-migrations', (ref) => ({ migrations: { image: { ref } }, envFrom: ['db'] }), ['Job']],
  [
    'control-plane',
    (ref) => {
      const [, repository, tag, digest] = /^([^:@]+)(?::([^@]+))?(?:@(.*))?$/.exec(ref) ?? [];
      return { image: { repository, tag, digest }, controllers: { enabled: true } };
    },
    ['Deployment', 'Deployment'],
  ],
];

describe.each(CHARTS)('%s', (chart, values, kinds, golden = chart) => {
  test('renders nothing until it is enabled', async () => {
    for (const lane of ['local', 'staging']) {
      expect((await rendered(chart, { ...values(REF), enabled: false }, lane)).manifests).toEqual([]);
      expect((await rendered(chart, {}, lane)).manifests).toEqual([]);
    }
  });

  test('renders its reference verbatim, with the pull policy', async () => {
    for (const lane of ['local', 'staging']) {
      const { manifests } = await rendered(chart, { ...values(REF), enabled: true }, lane);
      expect(manifests.map(({ kind }) => kind).sort()).toEqual([...kinds].sort());
      const images = imagesOf(manifests);
      expect(images.length).toBeGreaterThan(0);
      for (const { image, imagePullPolicy } of images) {
        expect(image).toBe(REF);
        // Not in a custom resource: the API server fills it in by the default of its schema.
        expect(imagePullPolicy).toBe(kinds.includes('Domain') ? undefined : 'IfNotPresent');
      }
    }
  });

  test('renders what it rendered before', async () => {
    const { text } = await rendered(chart, { ...values(REF), enabled: true });
    await expect(text).toMatchFileSnapshot(join(GOLDEN, `${golden}.yaml`));
  });

  test('fails without a reference', async () => {
    expect(await render(chart, { ...values(''), enabled: true }, 'local')).toEqual({
      error: expect.stringMatching(/is empty, but the component is enabled|does not match pattern|got null/),
    });
  });

  test('fails without a digest where the lane demands one, and only there', async () => {
    expect(
      imagesOf((await rendered(chart, { ...values(TAGGED), enabled: true }, 'local')).manifests)[0],
    ).toMatchObject({ image: TAGGED });
    expect(await render(chart, { ...values(TAGGED), enabled: true })).toEqual({
      error: expect.stringContaining('imagePolicy.requireDigest is true here'),
    });
  });

  test('refuses values that it does not know', async () => {
    expect(await render(chart, { ...values(REF), enabled: true, enabledd: true })).toEqual({
      error: expect.stringContaining('enabledd'),
    });
  });
});

test('helm lint has nothing to say', async () => {
  const charts = await readdir(join(root, 'sources/charts'));
  const output = await run(tool('helm'), [
    'lint',
    '--strict',
    ...charts.map((chart) => join(root, 'sources/charts', chart)),
  ]);
  expect(output.match(/\[(WARNING|ERROR)\].*/g)).toBeNull();
  expect(output).toContain(`${charts.length} chart(s) linted, 0 chart(s) failed`);
});

test.each([
  ['two words', 'a b'],
  ['YAML', 'a: b'],
  ['an upper-case path', `ghcr.io/Acme/x@${DIGEST}`],
  ['a digest that is too short', 'ghcr.io/acme/x@sha256:abc'],
  ['another algorithm', `ghcr.io/acme/x@sha512:${'a'.repeat(128)}`],
  ['a template', '{{ .Release.Name }}'],
  ['a line feed', `ghcr.io/acme/x@${DIGEST}\n`],
])('a reference that is %s is refused', async (_, ref) => {
  expect(await render('primitive-runtime', { enabled: true, image: { ref } }, 'local')).toEqual({
    error: expect.stringContaining('does not match pattern'),
  });
});

test.each([
  ['a container without pull policy', pod(REF, undefined), 'imagePullPolicy must be IfNotPresent'],
  ['Always', pod(REF, 'Always'), 'imagePullPolicy must be IfNotPresent'],
  ['an image without digest', pod(TAGGED, 'IfNotPresent'), 'has no digest'],
  [
    'a custom resource without digest',
    {
      apiVersion: 'primitives.acme.internal/v1alpha1',
      kind: 'Domain',
      metadata: { name: 'x' },
      spec: { image: TAGGED },
    },
    'Domain: spec.image has no digest',
  ],
  [
    'a custom resource with a pull policy',
    {
      apiVersion: 'primitives.acme.internal/v1alpha1',
      kind: 'Domain',
      metadata: { name: 'x' },
      spec: { image: REF, imagePullPolicy: 'IfNotPresent' },
    },
    'Domain: leave out imagePullPolicy',
  ],
  [
    'a CronJob',
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'x' },
      spec: {
        schedule: '@daily',
        jobTemplate: { spec: { template: { spec: { containers: [{ name: 'a', image: TAGGED }] } } } },
      },
    },
    'has no digest',
  ],
  [
    'an init container',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'x' },
      spec: { template: { spec: { containers: [], initContainers: [{ name: 'i', image: REF }] } } },
    },
    'container i: imagePullPolicy must be IfNotPresent',
  ],
  ['a list', { apiVersion: 'v1', kind: 'List', items: [pod(TAGGED, undefined)] }, 'List is refused'],
  [
    'a pod template',
    { apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: 'x' }, template: pod(TAGGED, undefined) },
    'PodTemplate is refused',
  ],
  [
    'a second object in a text',
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: '{{ printf "x%c\\n---\\nkind: Pod\\nname: %c" 39 39 }}' },
    },
    'more than one object',
  ],
])('raw-manifests refuses %s', async (_, manifest, message) => {
  expect(
    await render('raw-manifests', { enabled: true, image: { ref: REF }, manifests: [manifest] }),
  ).toEqual({
    error: expect.stringContaining(message),
  });
});

/** What the gate says of the kit with other files. */
async function gateWith(files: Readonly<Record<string, string>>) {
  const paths = Object.keys(files).map((path) => join(root, path));
  for (const [path, text] of Object.entries({ ...files, 'kit.yaml': settings })) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  try {
    return await attempt(process.execPath, ['.github/primitive/render.mjs', 'gate'], {
      cwd: root,
      env: { PATH: `${dirname(tool('helm'))}:${process.env.PATH}` },
    });
  } finally {
    await Promise.all(paths.map((path) => rm(path)));
  }
}

const COMPONENTS = 'environments/_shared/components';
const componentText = (name: string) =>
  `name: ${name}\narea: apps\nchart: sources/charts/primitive-runtime\n`;

test('the gate refuses two components of one name, and a name that is not that of its folder', async () => {
  const { code, stdout } = await gateWith({
    [`${COMPONENTS}/apps/twin/component.yaml`]: componentText('twin'),
    [`${COMPONENTS}/other/twin/component.yaml`]: componentText('twin'),
    [`${COMPONENTS}/apps/folder/component.yaml`]: componentText('name'),
  });
  expect(code).toBe(1);
  expect(stdout).toContain('has the same `name`: twin');
  expect(stdout).toContain('`name` must be that of its folder, not name');
});

test('the gate refuses a file of a component that no lane reads', async () => {
  const read = {
    [`${COMPONENTS}/apps/one/component.yaml`]: componentText('one'),
    'sources/values/_shared/apps/one.yaml': 'kind: domain\n',
    'sources/values/env/local/apps/one.yaml': 'replicas: 2\n',
    'sources/values/env/preview/apps/one.yaml': 'replicas: 1\n',
    'sources/values/env/dev/other/of-something-else.yaml': '{}\n',
  };
  expect(await gateWith(read)).toMatchObject({ code: 0 });
  const unread = [
    `${COMPONENTS}/apps/one/values.yaml`,
    `${COMPONENTS}/apps/two/component.yml`,
    'sources/values/_shared/apps/oen.yaml',
    'sources/values/env/dev/apps/one.yaml',
    'sources/values/env/local/apps/one.yml',
  ];
  const { code, stdout } = await gateWith({
    ...read,
    ...Object.fromEntries(unread.map((path) => [path, 'replicas: 2\n'])),
  });
  expect(code).toBe(1);
  expect(stdout.match(/(?<=^::error::)[^:]+/gm)?.toSorted()).toEqual(unread);
});

describe('the image of the control plane', () => {
  const FIELDS = ['repository', 'tag', 'digest'] as const;
  type Split = Readonly<Record<(typeof FIELDS)[number], string>>;

  const splits = (prefix: string): readonly Split[] =>
    Array.from({ length: 8 }, (_, bits) => ({
      repository: bits & 1 ? `${prefix}.example/app` : '',
      tag: bits & 2 ? `${prefix}-tag` : '',
      digest: bits & 4 ? `sha256:${(prefix === 'own' ? '1' : '2').repeat(64)}` : '',
    }));

  /** What seed five says, written down once more: field by field, the own one before that of the root. */
  function resolve(own: Split, root: Split, requireDigest: boolean): string | undefined {
    const repository = own.repository !== '' ? own.repository : root.repository;
    const tag = own.tag !== '' ? own.tag : root.tag;
    const digest = own.digest !== '' ? own.digest : root.digest;
    if (repository === '' || (tag === '' && digest === '') || (requireDigest && digest === ''))
      return undefined;
    return repository + (tag === '' ? '' : `:${tag}`) + (digest === '' ? '' : `@${digest}`);
  }

  const cases = splits('own').flatMap((own) => splits('root').map((image) => ({ own, image })));

  test.each([true, false])('all 64 combinations of fields, requireDigest %s', async (requireDigest) => {
    expect(cases).toHaveLength(64);
    const found: (string | undefined)[] = [];
    const worker = async (first: number) => {
      for (let i = first; i < cases.length; i += 4) {
        const { own, image } = cases[i] ?? {};
        const values = { enabled: true, image, controlPlane: { image: own }, imagePolicy: { requireDigest } };
        const result = await render('control-plane', values);
        found[i] = 'error' in result ? undefined : imagesOf(result.manifests)[0]?.image;
      }
    };
    await Promise.all([0, 1, 2, 3].map(worker));
    expect(found).toEqual(cases.map(({ own, image }) => resolve(own, image, requireDigest)));
  });

  test('pull secrets follow the same order, the controllers have those of the root', async () => {
    const image = { repository: 'r.example/a', digest: DIGEST, pullSecrets: ['root'] };
    const secrets = async (own: object) => {
      const { manifests } = await rendered('control-plane', {
        enabled: true,
        image,
        controlPlane: { image: own },
        controllers: { enabled: true },
      });
      return manifests.map(({ metadata, spec }) => [
        metadata.name,
        (spec as { template: { spec: { imagePullSecrets: unknown } } }).template.spec.imagePullSecrets,
      ]);
    };
    expect(await secrets({ pullSecrets: ['own'] })).toEqual([
      ['domain-orders-v1', [{ name: 'own' }]],
      ['domain-orders-v1-controllers', [{ name: 'root' }]],
    ]);
    expect(await secrets({})).toEqual([
      ['domain-orders-v1', [{ name: 'root' }]],
      ['domain-orders-v1-controllers', [{ name: 'root' }]],
    ]);
  });
});

test('jobs are hooks of Argo CD', async () => {
  const hook = async (chart: string, values: object) => {
    const { manifests } = await rendered(chart, { ...values, enabled: true });
    return manifests[0]?.metadata.annotations?.['argocd.argoproj.io/hook'];
  };
  expect(await hook('smoke-jobs', { image: { ref: REF } })).toBe('PostSync');
  expect(await hook('db-migrations', { migrations: { image: { ref: REF } } })).toBe('PreSync');
});

test('everything that charts render fits the schemas of Kubernetes and of the CRDs, and a wrong field does not', async () => {
  const schemas = join(root, 'kubernetes');
  await writeKubernetesSchemas(schemas);
  const folder = join(root, 'rendered');
  await mkdir(folder);
  for (const [i, [chart, values]] of CHARTS.entries()) {
    await writeFile(
      join(folder, `${i}-${chart}.yaml`),
      (await rendered(chart, { ...values(REF), enabled: true })).text,
    );
  }
  const check = (path: string) =>
    attempt(tool('kubeconform'), [
      ...['-strict', '-summary', '-kubernetes-version', '1.34.1', '-schema-location', schemas],
      ...[
        '-schema-location',
        join(root, '.github/primitive/schemas/{{.ResourceKind}}-{{.ResourceAPIVersion}}.json'),
      ],
      path,
    ]);
  const { code, stdout } = await check(folder);
  expect(stdout).toMatch(/Invalid: 0, Errors: 0, Skipped: 0/);
  expect(code).toBe(0);
  for (const [i, [chart]] of CHARTS.entries()) {
    const wrong = join(root, 'wrong.yaml');
    const text = (await readFile(join(folder, `${i}-${chart}.yaml`), 'utf8')).replace(/image: /, 'imagee: ');
    await writeFile(wrong, text);
    expect((await check(wrong)).code).toBe(1);
  }
});
