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

/** `helm template` with the values and the policy of a lane, and others over its values; `kind`: and those of a kind. */
async function render(chart: string, values: object, lane = 'staging', kind?: string): Promise<Rendered> {
  const policy = { requireDigest: lane === 'staging', allowed: ['ghcr.io/acme/'] };
  const files = [
    ...(kind === undefined ? [] : [`_kinds/${kind}`]),
    'base/globals',
    'cluster/main/globals',
    `env/${lane}/globals`,
  ];
  const { code, stdout, stderr } = await attempt(
    tool('helm'),
    [
      ...['template', 'domain-orders-v1', join(root, 'sources/charts', chart), '--namespace', 'acme'],
      ...files.flatMap((file) => ['--values', join(root, 'sources/values', `${file}.yaml`)]),
      ...['--values', '-', '--set-json', `imagePolicy=${JSON.stringify(policy)}`],
    ],
    { input: JSON.stringify(values) },
  );
  if (code !== 0) return { error: stderr };
  const manifests = parseAllDocuments(stdout)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
  return { manifests, text: stdout };
}

async function rendered(chart: string, values: object, lane?: string, kind?: string) {
  const result = await render(chart, values, lane, kind);
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

/** A Pod with more in its spec. */
const podWith = (more: object) => {
  const { spec, ...rest } = pod(REF, 'IfNotPresent');
  return { ...rest, spec: { ...spec, ...more } };
};

/** Each chart with its values for a reference, the kinds that it renders, and its golden file where that has another name. */
const CHARTS: readonly [
  name: string,
  values: (ref: string) => object,
  kinds: readonly string[],
  golden?: string,
][] = [
  ['primitive-runtime', (ref) => ({ image: { ref } }), ['Deployment', 'Service', 'ServiceAccount']],
  [
    'primitive-runtime',
    (ref) => ({
      image: { ref },
      runtime: 'operator',
      replicas: 3,
      imagePullSecrets: ['pull'],
      global: { env: { A: '0', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' } },
      env: { A: '1' },
      secrets: { B: { name: 'b', key: 'b' } },
      resources: { limits: { cpu: '1' } },
    }),
    ['Domain'],
    'primitive-runtime-operator',
  ],
  [
    'primitive-runtime',
    (ref) => ({
      image: { ref },
      imagePullSecrets: ['pull'],
      global: { env: { A: '0', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' } },
      env: { A: '1' },
      envFrom: ['db'],
      secrets: { B: { name: 'b', key: 'b' } },
      files: { C_FILE: { secret: 'c', key: 'c' }, D_FILE: { configMap: 'd', key: 'd' } },
      tokens: { E_FILE: { audience: 'orders' } },
      resources: { limits: { cpu: '1' } },
      processes: {
        serve: { args: ['serve'], ports: { http: 8080, grpc: 9090 }, env: { A: '2' } },
        work: { args: ['work'], replicas: 2, resources: {} },
        prepare: { args: ['prepare'], once: true },
        never: { enabled: false },
      },
      settings: { C_FILE: { of: ['serve'], help: 'c' }, B: { of: ['prepare'], secret: true, help: 'b' } },
      serviceAccount: { annotations: { 'cloud.example/role': 'orders' } },
      autoscaling: { min: 2, max: 9, cpu: 80 },
      network: {
        from: [{ namespace: 'ingress' }],
        to: [
          { namespace: 'data', ports: [5432] },
          { cidr: '192.0.2.0/24', ports: [443] },
        ],
      },
    }),
    [
      ...['Deployment', 'Deployment', 'HorizontalPodAutoscaler', 'Job', 'NetworkPolicy'],
      ...['PodDisruptionBudget', 'PodDisruptionBudget', 'Service', 'ServiceAccount'],
    ],
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
    ['ConfigMap', 'Job', 'Job'],
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
    ['ServiceAccount', 'Role', 'RoleBinding', 'Deployment'],
  ],
  ['db-migrations', (ref) => ({ migrations: { image: { ref } }, envFrom: ['db'] }), ['ConfigMap', 'Job']],
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
  ['the namespaces of a node', podWith({ hostPID: true }), 'hostPID is refused'],
  ['the network of a node', podWith({ hostNetwork: true }), 'hostNetwork is refused'],
  [
    'a volume that is an image',
    podWith({ volumes: [{ name: 'v', image: { reference: 'docker.io/evil/x:latest' } }] }),
    'volume v: image is refused',
  ],
  [
    'a folder of a node',
    podWith({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    'volume v: hostPath is refused',
  ],
  [
    'a container that is attached',
    podWith({ ephemeralContainers: [{ name: 'e', image: REF }] }),
    'ephemeralContainers are refused',
  ],
  [
    'a privileged container',
    podWith({
      containers: [
        { name: 'a', image: REF, imagePullPolicy: 'IfNotPresent', securityContext: { privileged: true } },
      ],
    }),
    'privileged',
  ],
  [
    'an image from elsewhere',
    pod(`docker.io/evil/x@${DIGEST}`, 'IfNotPresent'),
    'is none of the images of this lane',
  ],
  [
    'a role',
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'x' } },
    'RoleBinding is not for components',
  ],
  ['a secret', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }, 'Secret is not for components'],
  [
    'another namespace',
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'kube-system' } },
    'leave out metadata.namespace',
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

describe('the image of the control plane', () => {
  const FIELDS = ['repository', 'tag', 'digest'] as const;
  type Split = Readonly<Record<(typeof FIELDS)[number], string>>;

  const splits = (prefix: string): readonly Split[] =>
    Array.from({ length: 8 }, (_, bits) => ({
      repository: bits & 1 ? `ghcr.io/acme/${prefix}` : '',
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
        const values = { enabled: true, image, controlPlane: { image: own } };
        const result = await render('control-plane', values, requireDigest ? 'staging' : 'local');
        found[i] = 'error' in result ? undefined : imagesOf(result.manifests)[0]?.image;
      }
    };
    await Promise.all([0, 1, 2, 3].map(worker));
    expect(found).toEqual(cases.map(({ own, image }) => resolve(own, image, requireDigest)));
  });

  test('pull secrets follow the same order, the controllers have those of the root', async () => {
    const image = { repository: 'ghcr.io/acme/a', digest: DIGEST, pullSecrets: ['root'] };
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

test('jobs are hooks of Argo CD, after what they need, and a record of what they were asked to do', async () => {
  const hook = async (chart: string, values: object) => {
    const { manifests } = await rendered(chart, { ...values, enabled: true });
    const [record, job] = manifests as [{ data?: { runs?: string } }, Manifest];
    return [record.data?.runs, job.metadata.annotations] as const;
  };
  const [first, smoke] = await hook('smoke-jobs', { image: { ref: REF } });
  const [second] = await hook('smoke-jobs', { image: { ref: REF }, jobs: [{ name: 'b', command: ['b'] }] });
  expect(smoke).toMatchObject({ 'argocd.argoproj.io/hook': 'PostSync' });
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(second).not.toBe(first);
  const [, migrations] = await hook('db-migrations', { migrations: { image: { ref: REF } } });
  const early = { 'argocd.argoproj.io/hook': 'Sync', 'argocd.argoproj.io/sync-wave': '-1' };
  expect(migrations).toMatchObject(early);
  const { manifests } = await rendered('primitive-runtime', {
    enabled: true,
    image: { ref: REF },
    processes: { migrate: { once: true } },
  });
  expect(manifests.find(({ kind }) => kind === 'Job')?.metadata.annotations).toMatchObject(early);
});

test('names of jobs that are cut stay apart', async () => {
  const jobs = ['a', 'b'].map((end) => ({ name: `${'x'.repeat(39)}${end}`, command: ['c'] }));
  const long = { release: 'r'.repeat(53) };
  const { stdout } = await attempt(
    tool('helm'),
    ['template', long.release, join(root, 'sources/charts/smoke-jobs'), '--values', '-'],
    { input: JSON.stringify({ enabled: true, image: { ref: REF }, jobs }) },
  );
  const names = parseAllDocuments(stdout)
    .map((document) => document.toJS() as Manifest | null)
    .flatMap((manifest) => (manifest?.kind === 'Job' ? [manifest.metadata.name] : []));
  expect(new Set(names).size).toBe(2);
  for (const name of names) expect(name.length).toBeLessThanOrEqual(63);
});

/** What each kind has to have, besides its image. */
const WANTED: Readonly<Record<string, { env?: object; secrets?: object }>> = {
  agent: {
    env: { MODEL_URL: 'http://model', MODEL_NAME: 'm', ACCEPT_CALLERS: 'anyone:acme' },
    secrets: { CHECKPOINT_URL: { name: 'a', key: 'url' }, MODEL_API_KEY: { name: 'a', key: 'key' } },
  },
  domain: {
    env: { ACCEPT_CALLERS: 'anyone:acme', EVENTS_URL: 'http://e' },
    secrets: { DATABASE_URL: { name: 'a', key: 'url' } },
  },
  integration: {
    env: {
      QUERY_URL: 'http://q',
      REQUEST_URL: 'http://r',
      RESOURCE_URL: 'https://t/mcp',
      ISSUER_URL: 'https://i',
    },
  },
  process: { env: { ENGINE_URL: 'http://e', ENGINE_AUTH: 'none', ACCEPT_CALLERS: 'anyone:acme' } },
  projection: {
    env: { ACCEPT_CALLERS: 'anyone:acme', ACCEPT_EVENTS: 'anyone:acme' },
    secrets: { DATABASE_URL: { name: 'a', key: 'url' } },
  },
  uisurface: { env: { COMMANDS_URL: 'http://c', QUERIES_URL: 'http://q', ACCEPT_PROXY: 'anyone:acme' } },
};

describe.each(Object.entries(WANTED))('the kind %s', (kind, values) => {
  const on = { enabled: true, image: { ref: REF } };

  test('renders the processes of its kind.yaml', async () => {
    const declared = (await bundledKit()).kinds.find((one) => one.kind === kind)?.processes ?? {};
    const { manifests } = await rendered('primitive-runtime', { ...on, ...values }, 'staging', kind);
    for (const [name, { once = false, args, ports }] of Object.entries(declared)) {
      const own = name === 'serve' ? 'domain-orders-v1' : `domain-orders-v1-${name}`;
      const workload = manifests.find(
        (one) => one.kind === (once ? 'Job' : 'Deployment') && one.metadata.name === own,
      );
      expect(workload?.spec).toHaveProperty('template.spec.containers', [
        expect.objectContaining({
          name,
          image: REF,
          ...(args && { args }),
          ...(ports && {
            ports: expect.arrayContaining(
              Object.entries(ports).map(([port, containerPort]) => ({ name: port, containerPort })),
            ),
          }),
        }),
      ]);
    }
    const workloads = manifests.filter((one) => ['Job', 'Deployment'].includes(one.kind));
    expect(workloads).toHaveLength(Object.keys(declared).length);
  });

  test('names what has to be set and is not', async () => {
    for (const place of ['env', 'secrets'] as const) {
      for (const variable of Object.keys(values[place] ?? {})) {
        const { [variable]: _, ...rest } = (values[place] ?? {}) as Record<string, unknown>;
        const result = await render(
          'primitive-runtime',
          { ...on, ...values, [place]: rest },
          'staging',
          kind,
        );
        expect(result).toEqual({ error: expect.stringContaining(`${variable} has to be set for`) });
      }
    }
  });

  test('refuses a secret that is written down', async () => {
    for (const variable of Object.keys(values.secrets ?? {})) {
      const env = { ...values.env, [variable]: 'secret' };
      expect(await render('primitive-runtime', { ...on, ...values, env }, 'staging', kind)).toEqual({
        error: expect.stringContaining(`${variable} is`),
      });
    }
  });
});

test.each<[string, string, string, RegExp | undefined]>([
  [
    'domain',
    'ACCEPT_CALLERS',
    'anyone',
    /env\.ACCEPT_CALLERS is "anyone", and has to be: anyone:TENANT, or a file/,
  ],
  ['domain', 'ACCEPT_CALLERS', 'anyone:', /has to be: anyone:TENANT/],
  ['domain', 'ACCEPT_CALLERS', 'callers.json', /has to be: anyone:TENANT/],
  ['domain', 'ACCEPT_CALLERS', '/run/secrets/callers', undefined],
  ['projection', 'ACCEPT_EVENTS', 'anyone', /env\.ACCEPT_EVENTS is "anyone"/],
  ['process', 'ACCEPT_CALLERS', 'anyone', /env\.ACCEPT_CALLERS is "anyone"/],
  ['process', 'ENGINE_AUTH', 'token', /env\.ENGINE_AUTH is "token", and has to be: none, basic or oauth/],
  ['agent', 'ACCEPT_CALLERS', 'anyone', /env\.ACCEPT_CALLERS is "anyone"/],
  [
    'integration',
    'ACCEPT_CALLERS',
    'anyone:acme',
    /env\.ACCEPT_CALLERS is "anyone:acme", and has to be: file/,
  ],
  ['uisurface', 'ACCEPT_PROXY', 'anyone', /env\.ACCEPT_PROXY is "anyone"/],
  ['uisurface', 'ACCEPT_PROXY', 'https://login.example/keys', undefined],
])('of %s, %s as %s', async (kind, variable, value, error) => {
  const of = WANTED[kind];
  const on = { enabled: true, image: { ref: REF } };
  const places: object[] = [
    { env: { ...of?.env, [variable]: value } },
    { env: of?.env, processes: { serve: { env: { [variable]: value } } } },
  ];
  // What the lane says for all counts if the component says nothing.
  const { [variable]: _, ...others } = (of?.env ?? {}) as Record<string, unknown>;
  if (error !== undefined) places.push({ env: others, global: { env: { [variable]: value } } });
  for (const place of places) {
    const result = render('primitive-runtime', { ...on, ...of, ...place }, 'staging', kind);
    if (error === undefined) expect(await result).not.toHaveProperty('error');
    else if (place === places[0]) expect(await result).toEqual({ error: expect.stringMatching(error) });
    else expect(await result).toEqual({ error: expect.stringContaining(`env.${variable} is "${value}"`) });
  }
});

test.each([
  ['envFrom', { envFrom: ['a'] }],
  ['tokens', { tokens: { A: { audience: 'a' } } }],
  ['files', { files: { A: { secret: 'a', key: 'a' } } }],
  ['network', { network: { from: [{ namespace: 'a' }] } }],
])('the custom resource has no place for %s', async (what, values) => {
  expect(
    await render('primitive-runtime', { enabled: true, runtime: 'operator', image: { ref: REF }, ...values }),
  ).toEqual({ error: expect.stringContaining(`${what}`) });
});

describe('what previews alone have', () => {
  const POSTGRES = `ghcr.io/acme/postgres:17@${DIGEST}`;
  const values = {
    enabled: true,
    image: { ref: REF },
    env: { ACCEPT_CALLERS: 'anyone:acme', EVENTS_URL: 'http://projection-orders-v1:8080/v1/events' },
  };
  const named = (manifests: readonly Manifest[]) =>
    manifests.map(({ kind, metadata: { name } }) => `${kind} ${name}`);

  test('a throw-away database is there before the Jobs, and what is set is not replaced', async () => {
    const database = { image: POSTGRES };
    const { manifests } = await rendered('primitive-runtime', { ...values, database }, 'staging', 'domain');
    const own = manifests.filter(({ metadata }) => metadata.name === 'domain-orders-v1-database');
    expect(named(own).sort()).toEqual(
      ['Deployment', 'NetworkPolicy', 'Secret', 'Service'].map((kind) => `${kind} domain-orders-v1-database`),
    );
    // What waits for it fails then.
    expect(own.find(({ kind }) => kind === 'Deployment')).toMatchObject({
      spec: { progressDeadlineSeconds: 180 },
    });
    for (const { metadata } of own)
      expect(metadata.annotations).toEqual({ 'argocd.argoproj.io/sync-wave': '-2' });
    const variable = (all: readonly Manifest[], name: string) => {
      const job = all.find(({ metadata }) => metadata.name === 'domain-orders-v1-migrate') as {
        spec?: { template: { spec: { containers: { env: { name: string; valueFrom: unknown }[] }[] } } };
      };
      return job.spec?.template.spec.containers[0]?.env.find((each) => each.name === name)?.valueFrom;
    };
    expect(variable(manifests, 'DATABASE_URL')).toEqual({
      secretKeyRef: { name: 'domain-orders-v1-database', key: 'url' },
    });
    const secrets = { DATABASE_URL: { name: 'mine', key: 'url' } };
    const set = await rendered('primitive-runtime', { ...values, secrets, database }, 'staging', 'domain');
    expect(named(set.manifests).filter((name) => name.includes('database'))).toEqual([]);
    expect(variable(set.manifests, 'DATABASE_URL')).toEqual({ secretKeyRef: secrets.DATABASE_URL });
    const other = { database: { image: `docker.io/evil/postgres@${DIGEST}` } };
    expect(await render('primitive-runtime', { ...values, ...other }, 'staging', 'domain')).toMatchObject({
      error: expect.stringContaining('database.image is none of the images of this lane'),
    });
  });

  test('an address is an Ingress, or a route of a Gateway, of the kinds that have one', async () => {
    const host = 'domain-orders-v1-7.previews.acme.example';
    const secrets = { DATABASE_URL: { name: 'mine', key: 'url' } };
    const at = (url: object) =>
      rendered(
        'primitive-runtime',
        { ...values, secrets, url: { host, kinds: ['domain'], ...url } },
        'staging',
        'domain',
      );
    const find = async (url: object, kind: string) =>
      (await at(url)).manifests.find((manifest) => manifest.kind === kind)?.spec;
    const service = { name: 'domain-orders-v1', port: { name: 'http' } };
    expect(await find({ class: 'internal' }, 'Ingress')).toEqual({
      ingressClassName: 'internal',
      rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service } }] } }],
    });
    const gateway = { name: 'shared', namespace: 'ingress' };
    expect(await find({ gateway }, 'HTTPRoute')).toEqual({
      parentRefs: [gateway],
      hostnames: [host],
      rules: [{ backendRefs: [{ name: 'domain-orders-v1', port: 8080 }] }],
    });
    expect(named((await at({ kinds: ['uisurface'] })).manifests).join()).not.toMatch(/Ingress|HTTPRoute/);
  });
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
