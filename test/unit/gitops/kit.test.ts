import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments, visit } from 'yaml';
import { bundledKit } from '../../../src/features/gitops-init/bundled.ts';
import { planKit } from '../../../src/features/gitops-init/plan.ts';
import { type InstallEntry, renderKit } from '../../../src/features/gitops-init/render.ts';
import { type KitFlags, kitText } from '../../../src/features/gitops-init/settings.ts';
import { parseKit } from '../../../src/gitops/kit.ts';
import { bundledKinds } from '../../../src/kinds/kind.ts';
import { readBases } from '../../../src/kinds/template.ts';

const { resources } = await bundledKit();
const settings = kitText({}, { remote: 'https://github.com/Acme/gitops', branch: 'main' }, resources);

function actionOf(base: string | undefined, existing: string | undefined, wanted: string | undefined) {
  const of = (text: string | undefined) => new Map(text === undefined ? [] : [['f', text]]);
  const [change] = planKit(of(base), of(existing), of(wanted));
  return change && [change.action, change.after, ...(change.lines ? [change.lines] : [])];
}

describe('what happens to a file', () => {
  const base = '1\n2\n3\n4\n5\n';
  test.each([
    ['new', undefined, undefined, 'x\n', ['create', 'x\n']],
    ['the same file was there', undefined, 'x\n', 'x\n', ['unchanged', 'x\n']],
    ['as it was installed', base, base, base, ['unchanged', base]],
    ['changed by the kit', base, base, 'x\n', ['update', 'x\n']],
    ['changed by the owner', base, 'x\n', base, ['keep', 'x\n']],
    ['changed by both alike', base, 'x\n', 'x\n', ['unchanged', 'x\n']],
    ['removed by the kit', base, base, undefined, ['delete', undefined]],
    ['removed by the kit, changed by the owner', base, 'x\n', undefined, ['keep', 'x\n']],
    ['removed by the owner', base, undefined, base, ['keep', undefined]],
    ['removed by the owner, changed by the kit', base, undefined, 'x\n', ['keep', undefined]],
    ['removed by both', base, undefined, undefined, ['unchanged', undefined]],
    ['changed in two places', base, '0\n2\n3\n4\n5\n', '1\n2\n3\n4\n6\n', ['merge', '0\n2\n3\n4\n6\n']],
    [
      'changed in one place',
      base,
      '1\n2\nmine\n4\n5\n',
      '1\n2\nkit\n4\n5\n',
      ['conflict', '1\n2\n<<<<<<< yours\nmine\n||||||| installed\n3\n=======\nkit\n>>>>>>> kit\n4\n5\n', [3]],
    ],
    [
      'another file was there',
      undefined,
      'mine\n',
      'kit\n',
      ['conflict', '<<<<<<< yours\nmine\n||||||| installed\n=======\nkit\n>>>>>>> kit\n', [1]],
    ],
  ])('%s', (_, installed, existing, wanted, expected) => {
    expect(actionOf(installed, existing, wanted)).toEqual(expected);
  });

  describe('with pins of actions, of which the higher one is what both want', () => {
    const action = (version: string) =>
      `actions/checkout@${version.replaceAll('.', '').repeat(40).slice(0, 40)} # v${version}`;
    const text = (pin: string, more = '') =>
      `steps:\n  - uses: ${action(pin)}\n  - run: a\n  - run: b\n${more}`;
    test.each([
      ['the owner has moved it further', '7.0.0', '7.0.2', '7.0.1', ['keep', text('7.0.2')]],
      ['the kit has moved it further', '7.0.0', '7.0.1', '7.0.10', ['merge', text('7.0.10')]],
    ])('%s', (_, installed, existing, wanted, expected) => {
      expect(actionOf(text(installed), text(existing), text(wanted))).toEqual(expected);
    });
    test.each([
      [
        'the helm that an action installs',
        (version: string) =>
          `      - uses: azure/setup-helm@abc # v4\n        with:\n          version: v${version}\n`,
      ],
      [
        'a program of a Go module',
        (version: string) => `  go install github.com/yannh/kubeconform/cmd/kubeconform@v${version}\n`,
      ],
    ])('of %s, too', (_, pinned) => {
      expect(actionOf(pinned('0.8.0'), pinned('0.10.0'), pinned('0.9.0'))).toEqual([
        'keep',
        pinned('0.10.0'),
      ]);
      expect(actionOf(pinned('0.8.0'), pinned('0.8.1'), pinned('0.9.0'))).toEqual(['merge', pinned('0.9.0')]);
    });
    test('and nothing else of the owner or the kit is lost', () => {
      const more = '  - run: kit\n';
      const ours = text('7.0.2').replace('steps:', 'steps: # ours');
      expect(actionOf(text('7.0.0'), ours, text('7.0.1', more))).toEqual(['merge', `${ours}${more}`]);
    });
    test('but lines that both have changed otherwise are a conflict', () => {
      const [was, mine, kit] = ['a', 'mine', 'kit'].map((word) =>
        text('7.0.0').replace('run: a', `run: ${word}`),
      );
      expect(actionOf(was, mine, kit)?.[0]).toBe('conflict');
    });
  });

  test('no line of the owner is lost, and no line of the kit', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(lines, lines, lines, (o, a, b) => {
        const [, after] = actionOf(o.join('\n'), a.join('\n'), b.join('\n')) ?? [];
        const kept = String(after).split('\n');
        for (const side of [a, b]) {
          const added = side.filter((line) => !o.includes(line));
          expect(kept).toEqual(expect.arrayContaining(added));
        }
      }),
    );
  });
});

describe('kit.yaml', () => {
  test('a new one can be read', async () => {
    expect(await parseKit(settings)).toMatchObject({
      organisation: 'acme',
      registry: 'ghcr.io/acme',
      repository: 'https://github.com/Acme/gitops.git',
      lanes: [{ name: 'local' }, { name: 'dev' }, { name: 'staging' }, { name: 'production' }],
    });
  });

  test.each([
    ['3Scale', 'org-3scale'],
    ['True', 'org-true'],
    ['a-very-long-organisation-name-of-acmes', 'a-very-long-organisation'],
  ])('one of the account %s can be read, too', async (owner, organisation) => {
    const text = kitText({}, { remote: `https://github.com/${owner}/gitops`, branch: 'main' }, resources);
    expect(await parseKit(text)).toMatchObject({
      organisation,
      registry: `ghcr.io/${owner.toLowerCase()}`,
      previews: { repository: `${owner}/app` },
    });
  });

  test.each<[string, KitFlags]>([
    [
      '--registry "r.example/a: b" cannot be used: it is not a registry such as',
      { registry: 'r.example/a: b' },
    ],
    ['--code "a/b # c" cannot be used: it is not owner/name', { code: 'a/b # c' }],
    ['--lanes "../x" cannot be used: it is not a DNS label', { lanes: ['../x'] }],
    ['--lanes "{{ x }}" cannot be used: it is not a DNS label', { lanes: ['a', '{{ x }}'] }],
    ['--lanes "" cannot be used: it is not a DNS label', { lanes: [''] }],
    ['--lanes "off" cannot be used: it is not a string in YAML', { lanes: ['off'] }],
    ['--lanes "a" cannot be used: it is listed twice', { lanes: ['a', 'b', 'a'] }],
    ['--lanes "preview" cannot be used: the name is reserved', { lanes: ['preview'] }],
    ['--parts "x" cannot be used: parts are workflow, gate', { parts: ['gate', 'x'] }],
  ])('%s', (message, flags) => {
    expect(() =>
      kitText(flags, { remote: 'https://github.com/Acme/gitops', branch: 'main' }, resources),
    ).toThrow(
      expect.objectContaining({ code: 'invalid-flag', exit: 2, message: expect.stringContaining(message) }),
    );
  });

  test('it needs an address to clone', () => {
    expect(() => kitText({}, {}, resources)).toThrow(
      expect.objectContaining({ code: 'kit-no-remote', exit: 2 }),
    );
  });

  test.each([
    ['registry: ghcr.io/acme', 'registri: ghcr.io/acme', 'kit.yaml:7:1: unknown key `registri`'],
    [
      'cluster: main, namespace: acme-dev',
      'cluster: other, namespace: acme-dev',
      'kit.yaml:30:27: `lanes.1.cluster`',
    ],
    ['name: staging', 'name: dev', 'kit.yaml:31:13: "dev" is listed twice'],
    ['name: staging', 'name: previews', 'kit.yaml:31:13: "previews" is reserved for the kit'],
    [
      'namespace: acme-staging',
      'namespace: acme-dev',
      'kit.yaml:31:48: "acme-dev" is the namespace of another lane on main',
    ],
    ['branch: main', 'branch: "1.0"', 'kit.yaml:11:9: "1.0" is not a string in YAML'],
    ['kinds: [agent', 'kinds: ["no"', 'kit.yaml:20:9: "no" is not a string in YAML'],
    ['label: preview', 'label: "2026-01-01"', 'kit.yaml:52:10: "2026-01-01" is not a string in YAML'],
    ['name: dev', 'name: "on"', 'kit.yaml:30:13: "on" is not a string in YAML'],
    ['name: staging', 'name: pr-7', 'kit.yaml:31:13: "pr-7" is reserved for the kit'],
    [
      'name: main, server: https://kubernetes.default.svc',
      'name: main',
      'kit.yaml:24:5: `clusters.0` needs either `server` or `destination`',
    ],
    ['charts: sources/charts', 'charts: ../charts', 'kit.yaml:17:9: `charts` must be a path such as'],
    ['charts: sources/charts', 'charts: /charts', 'kit.yaml:17:9: `charts` must be'],
    [
      'acme-local, digest: true',
      'acme-local, digest: "true"',
      'kit.yaml:29:66: `lanes[0].digest` must be true or false',
    ],
    ['kinds: [', 'kinds: [{}, ', 'kit.yaml:20:9: `kinds[0]` must be'],
    ['branch: main', 'branch: "`touch x`"', 'kit.yaml:11:9: `branch` must be'],
    [
      '  label: preview',
      '  others: [{ name: web, repository: Acme/App }]\n  label: preview',
      'kit.yaml:52:37: "acme/app" is listed twice',
    ],
    [
      '  label: preview',
      '  secrets: [{ name: preview }]\n  label: preview',
      'kit.yaml:52:21: preview is the Secret that each preview has',
    ],
    [
      '  label: preview',
      '  url: { domain: acme.example, kinds: [shop] }\n  label: preview',
      'kit.yaml:52:40: "shop" is not one of `kinds`',
    ],
    [
      '  label: preview',
      '  postgres: docker.io/library/postgres:17\n  label: preview',
      'kit.yaml:52:13: `previews.postgres` must be an image with its digest',
    ],
    ['label: preview', 'label: "{{ .x }}"', 'kit.yaml:52:10: `previews.label` must be'],
    [
      'schema: primitive.kit/v1',
      'schema: primitive.kit/v9',
      'kit.yaml:3:9: `schema` must be primitive.kit/v1',
    ],
    ['organisation: acme', 'organisation: [', 'kit.yaml:'],
    [settings, '', 'is missing'],
  ])('%j written as %j', async (from, to, message) => {
    expect(settings).toContain(from);
    await expect(parseKit(settings.replace(from, to))).rejects.toMatchObject({
      message: expect.stringContaining(message),
      exit: 2,
    });
  });
});

describe('the kit as it is installed', () => {
  const render = async (text: string, extra: readonly InstallEntry[] = []) => {
    const kit = await bundledKit();
    return renderKit(text, { ...kit, entries: [...kit.entries, ...extra] });
  };

  test('the same settings make the same bytes, and no template is left', async () => {
    const files = await render(settings);
    expect([...files]).toEqual([...(await render(settings))]);
    expect([...files.keys()].filter((path) => path.endsWith('.eta'))).toEqual([]);
    expect([...files].filter(([, text]) => text.includes('<%')).map(([path]) => path)).toEqual([]);
  });

  test('the janitor runs in the image that scaffolded Node services run in', async () => {
    const { sources } = await bundledKit();
    const { nodeRun } = await readBases(join(bundledKinds(), '../bases.yaml'));
    expect(sources.get('janitor/templates/janitor.yaml.eta')).toContain(`image: ${nodeRun}\n`);
  });

  test('every file of the kit is installed', async () => {
    const { sources, entries } = await bundledKit();
    const left = [...sources.keys()].filter(
      (path) => !entries.some(({ from }) => path === from || path.startsWith(`${from}/`)),
    );
    expect(left).toEqual(['install.yaml']);
  });

  test('lanes and clusters have their values, charts are where the settings say', async () => {
    const files = await render(settings.replace('charts: sources/charts', 'charts: deploy/charts'));
    expect([...files.keys()]).toEqual(
      expect.arrayContaining([
        'sources/values/env/staging/globals.yaml',
        'sources/values/cluster/main/globals.yaml',
        'deploy/charts/primitive-runtime/Chart.yaml',
      ]),
    );
    expect([...files.keys()].filter((path) => path.startsWith('sources/charts'))).toEqual([]);
  });

  test('what is data and no template of helm is YAML, and has the settings as texts', async () => {
    const odd = settings
      .replace('https://kubernetes.default.svc', '"https://[::1]:6443"')
      .replace('branch: main', 'branch: release/2026-01')
      .replace('https://github.com/Acme/gitops.git', 'git@github.com:Acme/gitops.git');
    const files = [...(await render(odd))].filter(
      ([path]) => /\.ya?ml$/.test(path) && !path.includes('/templates/'),
    );
    const texts: string[] = [];
    for (const [path, text] of files) {
      for (const document of parseAllDocuments(text, { version: '1.1' })) {
        expect({ path, errors: document.errors, warnings: document.warnings }).toEqual({
          path,
          errors: [],
          warnings: [],
        });
        visit(document, { Scalar: (_, { value }) => void texts.push(String(value)) });
      }
    }
    expect(texts).toEqual(
      expect.arrayContaining(['https://[::1]:6443', 'release/2026-01', 'git@github.com:Acme/gitops.git']),
    );
  });

  /** The ApplicationSets of a lane, by what they are for. */
  const setsOf = async (text: string, lane: string) => {
    const documents = parseAllDocuments(
      (await render(text)).get(`argocd/applicationsets/lane-${lane}.yaml`) ?? '',
    );
    const [namespace, operators, components] = documents.map((document) => document.toJS());
    return { namespace, operators, components };
  };

  test('a component.yaml cannot choose its lane, and no value its policy', async () => {
    const lax = settings.replace('acme-dev, digest: true', 'acme-dev, digest: false');
    for (const [lane, requireDigest] of [
      ['dev', false],
      ['production', true],
    ] as const) {
      const { components } = await setsOf(`${lax}images: { allowed: [docker.io/library/] }\n`, lane);
      const { spec } = components.spec.template;
      expect(spec.project).toBe(`acme-${lane}`);
      expect(spec.destination).toEqual({
        server: 'https://kubernetes.default.svc',
        namespace: `acme-${lane}`,
      });
      const policy = { requireDigest, allowed: ['ghcr.io/acme/', 'docker.io/library/'] };
      for (const { helm } of spec.sources)
        expect(helm.valuesObject).toEqual({
          ...(helm.releaseName.endsWith('-migrations') && { lane }),
          imagePolicy: policy,
        });
    }
  });

  test('Argo CD may be elsewhere, and its objects be called otherwise', async () => {
    const text = `${settings}argocd: { namespace: openshift-gitops, prefix: shop }\n`;
    const files = await render(text);
    const argocd = [...files].filter(([path]) =>
      /^argocd\/(bootstrap|projects\/.*|applicationsets\/.*)\.yaml$/.test(path),
    );
    const objects = argocd.flatMap(([, yaml]) => parseAllDocuments(yaml).map((document) => document.toJS()));
    const named = objects.filter((object) => object !== null);
    expect(named.length).toBeGreaterThan(15);
    for (const { metadata } of named) {
      expect(metadata.namespace).toBe('openshift-gitops');
      expect(metadata.name).toMatch(/^shop-/);
    }
  });

  test('a cluster is known by a name, a lane is synced by hand, and not at all times', async () => {
    const text = settings
      .replace('name: main, server: https://kubernetes.default.svc', 'name: main, destination: eu-1')
      .replace(
        'acme-production, digest: true',
        "acme-production, sync: manual, windows: [{ kind: deny, schedule: '*/5 22 * * 5', duration: 56h }], digest: true",
      );
    const { components } = await setsOf(text, 'production');
    expect(components.spec.template.spec.destination).toEqual({ name: 'eu-1', namespace: 'acme-production' });
    expect(components.spec.template.spec.syncPolicy.automated).toBeUndefined();
    expect((await setsOf(text, 'dev')).components.spec.template.spec.syncPolicy.automated).toBeDefined();
    const projects = parseAllDocuments((await render(text)).get('argocd/projects/lanes.yaml') ?? '');
    const all = projects.map((document) => document.toJS()).filter((object) => object !== null);
    const production = all.find(({ metadata }) => metadata.name === 'acme-production');
    expect(production.spec.destinations).toEqual([{ name: 'eu-1', namespace: 'acme-production' }]);
    expect(production.spec.syncWindows).toEqual([
      { kind: 'deny', schedule: '*/5 22 * * 5', duration: '56h', manualSync: false, applications: ['*'] },
    ]);
    expect(all.find(({ metadata }) => metadata.name === 'acme-dev').spec.syncWindows).toBeUndefined();
  });

  test('each part can be left out, and what is left is still whole', async () => {
    const whole = await render(settings);
    const origin = { remote: 'https://github.com/Acme/gitops', branch: 'main' };
    const of: Readonly<Record<string, string>> = {
      workflow: '.github/workflows/scaffold-primitive-gitops.yaml',
      gate: '.github/workflows/gitops-gate.yaml',
      charts: 'sources/charts/primitive-runtime/Chart.yaml',
      crds: 'sources/crds/primitives.yaml',
      argocd: 'argocd/bootstrap.yaml',
      previews: 'argocd/applicationsets/preview-components.yaml',
    };
    for (const [part, file] of Object.entries(of)) {
      expect([...whole.keys()]).toContain(file);
      const parts = Object.keys(of).filter((other) => other !== part);
      const files = await render(kitText({ parts }, origin, resources));
      expect([...files.keys()]).not.toContain(file);
      const bootstrap = files.get('argocd/bootstrap.yaml');
      if (bootstrap === undefined) continue;
      const application = parseAllDocuments(bootstrap).at(-1)?.toJS();
      for (const { path } of application.spec.sources)
        expect([...files.keys()].filter((one) => one.startsWith(`${path}/`))).not.toEqual([]);
    }
    const previews = settings.slice(0, settings.indexOf('\n# Pull requests of this repository'));
    const without = [...(await render(previews)).keys()];
    expect(without.filter((path) => /preview|janitor/.test(path))).toEqual([]);
  });

  test('only kinds that may be wired have custom resources', async () => {
    const files = await render(settings.replace(/kinds: \[.*\]/, 'kinds: [domain]'));
    const crds = parseAllDocuments(files.get('sources/crds/primitives.yaml') ?? '');
    const kinds = crds.map((document) => document.toJS()).filter((object) => object !== null);
    expect(kinds.map(({ spec }) => spec.names.kind)).toEqual(['Domain']);
  });

  test('no project of a lane allows what gives rights, nor what closes the network of the lane', async () => {
    const projects = parseAllDocuments((await render(settings)).get('argocd/projects/lanes.yaml') ?? '');
    for (const { metadata, spec } of projects.flatMap((document) => document.toJS() ?? [])) {
      expect(spec.namespaceResourceWhitelist.length).toBeGreaterThan(0);
      if (metadata.name === 'acme-operators') continue;
      const kinds = spec.namespaceResourceWhitelist.map(({ kind }: { kind: string }) => kind);
      for (const kind of ['Role', 'RoleBinding', 'Secret', 'Namespace', '*'])
        expect(kinds).not.toContain(kind);
      const cluster = metadata.name === 'acme-lane-namespaces' ? [{ group: '', kind: 'Namespace' }] : [];
      expect(spec.clusterResourceWhitelist).toEqual(cluster);
    }
  });

  test('what fails in a preview is tried again for minutes, as long as its end waits', async () => {
    const text = (await render(settings)).get('argocd/applicationsets/preview-components.yaml') ?? '';
    const [set] = parseAllDocuments(text).map((document) => document.toJS());
    const { retry } = set.spec.template.spec.syncPolicy;
    expect(retry).toEqual({ limit: 10, backoff: { duration: '5s', factor: 2, maxDuration: '1m' } });
  });

  test('the base of previews is a branch, no pattern', async () => {
    const files = await render(`${settings}  base: v1.0\n`);
    for (const name of ['preview-components', 'preview-namespaces']) {
      expect(files.get(`argocd/applicationsets/${name}.yaml`)).toContain('targetBranchMatch: "^v1[.]0$"');
    }
  });

  test('previews of several repositories, with Secrets of a store, by a GitHub App', async () => {
    const files = await render(
      `${settings}  app: previews-app\n  others: [{ name: web, repository: acme/web, base: trunk }]\n  secrets: [{ name: ghcr, store: vault, pull: true }, { name: mail }]\n`.replace(
        'previews:\n',
        'sources: [{ repository: acme/web, registry: ghcr.io/acme/web, trusted: [{ key: k.pub }] }]\npreviews:\n',
      ),
    );
    const set = (path: string) => {
      const text = files.get(`argocd/applicationsets/${path}.yaml`) ?? '';
      expect(text).not.toContain('tokenRef');
      expect(text.match(/appSecretName: previews-app/g)).toHaveLength(2);
      return parseAllDocuments(text)[0]?.toJS();
    };
    const { metadata, spec } = set('preview-components-web');
    expect(metadata.name).toBe('acme-preview-components-web');
    expect(spec.template.spec).toMatchObject({
      destination: { namespace: 'pr-{{ .number }}-web-acme' },
      source: {
        helm: {
          valuesObject: {
            imagePolicy: { allowed: ['ghcr.io/acme/web/', 'docker.io/library/postgres'] },
            image: { ref: 'ghcr.io/acme/web/{{ .image }}:{{ .head_sha }}' },
            imagePullSecrets: ['ghcr'],
          },
        },
      },
    });
    expect(set('preview-namespaces').spec.template.metadata.name).toBe('pr-{{ .number }}');
    expect(set('preview-namespaces-web').spec.template.metadata.name).toBe('pr-{{ .number }}.web');
    expect(
      set('preview-components').spec.generators[0].matrix.generators[1].selector.matchExpressions,
    ).toEqual([
      { key: 'image', operator: 'Exists' },
      { key: 'source', operator: 'NotIn', values: ['acme/web', 'web'] },
    ]);
    const secrets = files.get('argocd/preview-namespace/templates/secrets.yaml') ?? '';
    const [, stored] = parseAllDocuments(secrets.replace('{{ randAlphaNum 40 | b64enc }}', 'x'));
    expect(stored?.toJS()).toMatchObject({
      kind: 'ExternalSecret',
      metadata: { name: 'ghcr' },
      spec: {
        secretStoreRef: { kind: 'ClusterSecretStore', name: 'vault' },
        target: { template: { type: 'kubernetes.io/dockerconfigjson' } },
      },
    });
    expect(secrets).not.toContain('mail');
  });

  test('two files at one path are refused', async () => {
    const twice = { from: 'values/globals.yaml', to: 'sources/values/base/globals.yaml' };
    await expect(render(settings, [twice])).rejects.toMatchObject({ code: 'kit-path-twice' });
  });
});
