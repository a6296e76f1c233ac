import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { bundledKit } from '../../../src/features/gitops-init/bundled.ts';
import { renderKit } from '../../../src/features/gitops-init/render.ts';
import { kitText } from '../../../src/features/gitops-init/settings.ts';
import { renderedImages } from '../../../src/gitops/rendered.ts';
import { attempt } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

type Files = Readonly<Record<string, string>>;

const OVERLAY = 'apps/web/overlays/production';
const DIGEST = `sha256:${'a'.repeat(64)}`;
const LANES = [
  { name: 'dev', cluster: 'main', namespace: 'acme-dev', digest: false },
  {
    name: 'production',
    cluster: 'main',
    namespace: 'acme-production',
    digest: true,
    overlays: ['apps/*/overlays/production'],
  },
];

/** A Deployment of a base, and the overlay of a lane that pins its image. */
const WEB: Files = {
  'apps/web/base/kustomization.yaml': 'resources: [deployment.yaml]\n',
  'apps/web/base/deployment.yaml': stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', annotations: { note: '{{ .x }}' } },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'web', imagePullPolicy: 'IfNotPresent' }] },
      },
    },
  }),
  [`${OVERLAY}/kustomization.yaml`]: stringify({
    resources: ['../../base'],
    namespace: 'acme-production',
    images: [{ name: 'web', newName: 'ghcr.io/acme/web', digest: DIGEST }],
    configMapGenerator: [
      { name: 'web', files: ['settings=settings.txt'], literals: ['URL=https://acme.example'] },
    ],
  }),
  [`${OVERLAY}/settings.txt`]: 'one\n',
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-overlays-'));
  await write('base', { ...(await kitOf(LANES)), ...WEB });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function kitOf(lanes: readonly object[]): Promise<Files> {
  const source = await bundledKit();
  const settings = stringify({
    ...parse(kitText({}, { remote: 'https://github.com/acme/gitops' }, source.resources)),
    parts: ['workflow', 'gate', 'charts'],
    lanes,
  });
  return { ...Object.fromEntries(await renderKit(settings, source)), 'kit.yaml': settings };
}

async function write(root: string, files: Files) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, root, path)), { recursive: true });
    await writeFile(join(folder, root, path), text);
  }
}

let changes = 0;

/** What the gate of the base says of a change, and what it renders of the overlay. */
async function judge(files: Files, prepare: (root: string) => Promise<void> = async () => {}) {
  const root = `change-${++changes}`;
  await write(root, { ...(await kitOf(LANES)), ...WEB, ...files });
  await prepare(join(folder, root));
  const out = join(folder, 'rendered', root);
  const path = ['helm', 'kubectl'].map((name) => dirname(tool(name))).concat(process.env.PATH ?? '');
  const { code, stdout, stderr } = await attempt(
    process.execPath,
    ['../base/.github/primitive/render.mjs', out],
    { cwd: join(folder, root), env: { PATH: path.join(delimiter) } },
  );
  expect(stderr).toBe('');
  const faults = [...stdout.matchAll(/^::error::(.*)$/gm)].map(([, text = '']) => decodeURIComponent(text));
  expect(code).toBe(faults.length === 0 ? 0 : 1);
  const file = join(out, `production/overlay.${OVERLAY.replaceAll('/', '.')}.yaml`);
  return { faults, stdout, rendered: await readFile(file, 'utf8').catch(() => '') };
}

const patched = (patch: object): Files => ({
  [`${OVERLAY}/kustomization.yaml`]: stringify({
    ...parse(WEB[`${OVERLAY}/kustomization.yaml`] ?? ''),
    ...patch,
  }),
});
const strategic = (pod: object) =>
  patched({
    patches: [
      {
        patch: stringify({
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'web' },
          spec: { template: { spec: pod } },
        }),
      },
    ],
  });

/** What is refused, why, and what of it. */
const REFUSED: readonly (readonly [what: string, files: Files, message: string])[] = [
  [
    'a tag',
    patched({ images: [{ name: 'web', newName: 'ghcr.io/acme/web', newTag: 'main' }] }),
    'has no digest, but imagePolicy.requireDigest is true here: ghcr.io/acme/web:main',
  ],
  [
    'an image from elsewhere',
    patched({ images: [{ name: 'web', newName: 'docker.io/attacker/web', digest: DIGEST }] }),
    'is none of the images of this lane',
  ],
  ['a pod in the namespaces of its node', strategic({ hostPID: true }), 'hostPID is refused'],
  [
    'an image as a volume',
    strategic({ volumes: [{ name: 'x', image: { reference: 'docker.io/attacker/x' } }] }),
    'image is refused; volumes may be',
  ],
  [
    'rights',
    {
      ...patched({ resources: ['../../base', 'role.yaml'] }),
      [`${OVERLAY}/role.yaml`]: stringify({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'x' },
        rules: [],
      }),
    },
    'ClusterRole is not for components',
  ],
  [
    'another namespace',
    patched({ namespace: 'kube-system' }),
    'is in namespace kube-system, not in acme-production',
  ],
  [
    'a base of another repository',
    patched({ resources: ['../../base', 'https://github.com/attacker/bases//web?ref=main'] }),
    'is not in this repository, so the gate does not build it',
  ],
  [
    'a base of another repository without a scheme',
    patched({ resources: ['../../base', 'github.com/attacker/bases//web?ref=main'] }),
    'is not in this repository',
  ],
  [
    'a patch from an address',
    patched({ patches: [{ path: 'https://attacker.example/patch.yaml' }] }),
    'is not in this repository',
  ],
  [
    'a base that leads to another repository',
    {
      'apps/web/base/kustomization.yaml': 'resources: [deployment.yaml, "git@github.com:attacker/x.git"]\n',
    },
    'is not in this repository',
  ],
  [
    'a chart',
    patched({ helmCharts: [{ name: 'x', repo: 'https://charts.example', version: '1.0.0' }] }),
    'kubectl kustomize',
  ],
  [
    'a program as a plugin',
    {
      ...patched({ transformers: ['plugin.yaml'] }),
      [`${OVERLAY}/plugin.yaml`]: stringify({
        apiVersion: 'attacker.example/v1',
        kind: 'Run',
        metadata: {
          name: 'x',
          annotations: { 'config.kubernetes.io/function': 'exec: { path: ./run.sh }' },
        },
      }),
    },
    'kubectl kustomize',
  ],
  ['what cannot be built', { 'apps/web/base/deployment.yaml': 'kind: [' }, 'kubectl kustomize'],
];

describe('the gate on overlays of Kustomize', () => {
  test('builds those of a lane, and leaves the render for schemas and releases', async () => {
    const { faults, rendered } = await judge({});
    expect(faults).toEqual([]);
    expect(renderedImages(rendered)).toEqual([
      { object: 'Deployment web', value: `ghcr.io/acme/web@${DIGEST}` },
    ]);
  });

  test('refuses what components may not have, what is not of the repository, and what cannot be built', async () => {
    const files = REFUSED.flatMap(([, changed], i) =>
      Object.entries({ ...WEB, ...changed }).map(([path, text]) => [
        path.replace('apps/web', `apps/web${i}`),
        text,
      ]),
    );
    const { faults } = await judge(Object.fromEntries(files));
    const found = REFUSED.map(([what], i) => {
      const own = `apps/web${i}/overlays/production in production: `;
      return [what, faults.filter((fault) => fault.startsWith(own)).map((fault) => fault.slice(own.length))];
    });
    expect(found).toEqual(REFUSED.map(([what, , message]) => [what, [expect.stringContaining(message)]]));
  });

  test('refuses a base that a link leads out of the repository to', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'kustomization.yaml'), 'resources: []\n');
    const { faults } = await judge(patched({ resources: ['../../base', 'link'] }), (root) =>
      symlink(outside, join(root, OVERLAY, 'link')),
    );
    expect(faults).toEqual([
      expect.stringContaining(`${OVERLAY}/link is a link that leads out of the repository`),
      expect.stringContaining('in production: '),
    ]);
    expect(faults[1]).toContain('link leads out of the repository');
  });

  test('refuses a lane whose pattern matches none, and judges by the patterns of before as well', async () => {
    const lanes = (overlays: readonly string[]) =>
      kitOf(LANES.map((lane) => (lane.name === 'production' ? { ...lane, overlays } : lane)));
    expect((await judge(await lanes(['apps/*/overlays/prod']))).faults).toEqual([
      expect.stringContaining(
        '`overlays` of production has apps/*/overlays/prod, where no kustomization.yaml is',
      ),
    ]);
    const evil = patched({ images: [{ name: 'web', newName: 'docker.io/attacker/web', digest: DIGEST }] });
    expect((await judge({ ...(await lanes([])), ...evil })).faults).toEqual([
      expect.stringContaining('is none of the images of this lane'),
    ]);
  });

  test('says what it does not judge', async () => {
    const { stdout } = await judge({ 'apps/old/overlays/dev/kustomization.yaml': 'resources: []\n' });
    expect(stdout).toContain('not judged: apps/old/overlays/dev has a kustomization');
    expect(stdout).not.toContain('not judged: apps/web');
  });
});
