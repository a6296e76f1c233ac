import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundledKit } from '../../../src/features/gitops-init/bundled.ts';
import { renderKit } from '../../../src/features/gitops-init/render.ts';
import { kitText } from '../../../src/features/gitops-init/settings.ts';
import { attempt } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

/** Text of a file; null where it is not there. */
type Changes = Readonly<Record<string, string | null>>;

const COMPONENTS = 'environments/_shared/components';
const REF = `ghcr.io/acme/domain-orders:${'0'.repeat(40)}@sha256:${'a'.repeat(64)}`;
const enabled = (ref = REF) => `enabled: true\nimage:\n  ref: ${ref}\n`;
const component = (name: string, more = 'chart: primitive-runtime\n', area = 'apps'): Changes => ({
  [`${COMPONENTS}/${area}/${name}/component.yaml`]: `name: ${name}\narea: ${area}\n${more}`,
});
const ORDERS: Changes = {
  ...component('orders'),
  'sources/values/_shared/apps/orders.yaml': 'enabled: false\nkind: domain\nimage:\n  ref: ""\n',
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-gate-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The files of a kit with those lanes. */
async function kitFiles(lanes: readonly string[], change = (text: string) => text) {
  const kit = await bundledKit();
  const origin = { remote: 'https://github.com/acme/gitops', branch: 'main' };
  const settings = change(kitText({ lanes }, origin, kit.resources));
  return { ...Object.fromEntries(await renderKit(settings, kit)), 'kit.yaml': settings };
}

async function write(root: string, files: Changes) {
  for (const [path, text] of Object.entries(files)) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    if (text === null) await rm(target);
    else await writeFile(target, text);
  }
}

async function link(root: string, links: Readonly<Record<string, string>>) {
  for (const [path, target] of Object.entries(links)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await symlink(target, join(root, path));
  }
}

let runs = 0;

/** What the gate of a repository says of a change to it, as the workflow runs it. */
async function judge(
  change: Changes,
  {
    base = {},
    baseLinks = {},
    links = {},
    lanes = ['dev', 'production'],
  }: {
    readonly base?: Changes;
    /** Path -> what the link says. */
    readonly baseLinks?: Readonly<Record<string, string>>;
    readonly links?: Readonly<Record<string, string>>;
    readonly lanes?: readonly string[];
  } = {},
) {
  runs += 1;
  const root = join(folder, `${runs}`);
  await write(join(root, 'base'), { ...(await kitFiles(lanes)), ...base });
  await cp(join(root, 'base'), join(root, 'change'), { recursive: true });
  await write(join(root, 'change'), change);
  await link(join(root, 'base'), baseLinks);
  await link(join(root, 'change'), { ...baseLinks, ...links });
  const { code, stdout, stderr } = await attempt(
    process.execPath,
    ['../base/.github/primitive/render.mjs', '../rendered'],
    { cwd: join(root, 'change'), env: { PATH: `${dirname(tool('helm'))}:${process.env.PATH}` } },
  );
  const faults = [...stdout.matchAll(/^::error::(.*)$/gm)].map(([, text = '']) => decodeURIComponent(text));
  expect(stderr).toBe('');
  expect(code).toBe(faults.length === 0 ? 0 : 1);
  return { faults, stdout, images: await previewImages(join(root, 'rendered/preview')) };
}

/** The images of previews as they were rendered, by component. */
async function previewImages(rendered: string): Promise<Readonly<Record<string, string>>> {
  const files = await readdir(rendered).catch(() => []);
  const found = await Promise.all(
    files.map(async (file) => {
      const [, image = ''] = / image: "(.*)"/.exec(await readFile(join(rendered, file), 'utf8')) ?? [];
      return [file.replace('.yaml', ''), image] as const;
    }),
  );
  return Object.fromEntries(found.filter(([, image]) => image !== ''));
}

/** The one fault that the gate finds. */
async function faultOf(...args: Parameters<typeof judge>) {
  const { faults } = await judge(...args);
  expect(faults).toHaveLength(1);
  return faults[0];
}

describe('the gate', () => {
  test('passes what is inert, what a lane runs, and its smoke test with it', async () => {
    const { faults, stdout } = await judge({
      ...ORDERS,
      ...component('orders-smoke', 'of: orders\n'),
      ...component('orders-migrations', 'of: orders\n'),
      'sources/values/env/dev/apps/orders.yaml': enabled(),
      'sources/values/env/dev/apps/orders-smoke.yaml': enabled(),
      'sources/values/env/preview/apps/orders.yaml': 'replicas: 1\n',
      'sources/values/_platform/production/operators.yaml': `enabled: true\noperators:\n  domain: { enabled: true, image: { ref: "${REF}" } }\n`,
      'sources/values/env/dev/other/of-something-else.yaml': '{}\n',
    });
    expect(faults).toEqual([]);
    expect(stdout).toContain(
      '4 of 4 renders succeeded: 1 components and the operators, 2 lanes and previews',
    );
  });

  test('does not run the code of the change, and demands what was demanded before it', async () => {
    const evil = {
      ...ORDERS,
      'sources/values/env/production/apps/orders.yaml': enabled('ghcr.io/acme/domain-orders:latest'),
    };
    const weaker = await kitFiles(['dev', 'production'], (text) =>
      text.replace('acme-production, digest: true', 'acme-production, digest: false'),
    );
    for (const change of [{ '.github/primitive/render.mjs': 'process.exit(0)\n' }, weaker])
      expect(await faultOf({ ...evil, ...change })).toContain('has no digest');
    const other = 'docker.io/evil/backdoor';
    const wider = await kitFiles(
      ['dev', 'production'],
      (text) => `${text}images: { allowed: [docker.io/evil/] }\n`,
    );
    expect(
      await faultOf({
        ...ORDERS,
        ...wider,
        'sources/values/env/production/apps/orders.yaml': enabled(`${other}@sha256:${'1'.repeat(64)}`),
      }),
    ).toContain('is none of the images of this lane (ghcr.io/acme/;');
  });

  test('takes a policy that is stricter, and a lane that is new, with the change', async () => {
    const base = {
      ...ORDERS,
      ...(await kitFiles(['dev'], (text) =>
        text.replace('acme-dev, digest: true', 'acme-dev, digest: false'),
      )),
      'sources/values/env/dev/apps/orders.yaml': enabled('ghcr.io/acme/domain-orders:v1'),
    };
    const kit = await kitFiles(['dev', 'production']);
    expect(await faultOf(kit, { base, lanes: ['dev'] })).toContain('has no digest');
    const values = { 'sources/values/env/production/apps/orders.yaml': enabled() };
    const lax = await kitFiles(['dev', 'production'], (text) =>
      text.replace('acme-dev, digest: true', 'acme-dev, digest: false'),
    );
    expect((await judge({ ...lax, ...values }, { base, lanes: ['dev'] })).faults).toEqual([]);
  });

  test.each<[string, string, RegExp]>([
    ['enabled', 'enabled: true\n', /`enabled` is for values of a lane/],
    ['an image', `image:\n  ref: ${REF}\n`, /an image is for values of a lane.*domain-orders/],
    ['a policy', 'imagePolicy: { requireDigest: false }\n', /`imagePolicy` is that of the lane/],
  ])('refuses values of all lanes with %s', async (_, text, message) => {
    expect(await faultOf({ ...ORDERS, 'sources/values/_shared/apps/orders.yaml': text })).toMatch(message);
  });

  test('refuses values of a lane with a policy, and an image from elsewhere', async () => {
    const path = 'sources/values/env/production/apps/orders.yaml';
    const policy = `${enabled('docker.io/evil/backdoor:latest')}imagePolicy: { requireDigest: false, allowed: [] }\n`;
    const { faults } = await judge({ ...ORDERS, [path]: policy });
    expect(faults.toSorted()).toEqual([
      expect.stringContaining('has no digest, but imagePolicy.requireDigest is true here'),
      expect.stringContaining(`${path}: \`imagePolicy\` is that of the lane`),
    ]);
    const foreign = enabled(`docker.io/evil/backdoor@sha256:${'1'.repeat(64)}`);
    expect(await faultOf({ ...ORDERS, [path]: foreign })).toContain('is none of the images of this lane');
  });

  test.each<[string, Changes, RegExp]>([
    [
      'a chart by its path',
      component('x', 'chart: environments/x\n'),
      /`chart` is environments\/x; charts of/,
    ],
    ['a chart outside', component('x', 'chart: ../../x\n'), /`chart` is \.\.\/\.\.\/x/],
    [
      'the chart of operators',
      component('x', 'chart: operators\n'),
      /`chart` is operators; charts of components are/,
    ],
    [
      'an area that is a path',
      { [`${COMPONENTS}/x/component.yaml`]: 'name: x\narea: ../x\nchart: raw-manifests\n' },
      /`area` is "\.\.\/x"/,
    ],
    [
      'a name that is a template',
      { [`${COMPONENTS}/x/component.yaml`]: 'name: "{{ .x }}"\narea: apps\nchart: raw-manifests\n' },
      /`name` is "\{\{ \.x \}\}"/,
    ],
    [
      'a name that is not that of its folder',
      { [`${COMPONENTS}/apps/folder/component.yaml`]: 'name: other\narea: apps\nchart: raw-manifests\n' },
      /must be that of its folder, not other/,
    ],
    ['a part of nothing', component('x-smoke', 'of: x\n'), /no component of area apps is called x/],
    [
      'a part with a name of its own',
      component('other', 'of: orders\n'),
      /a part of orders is called orders-migrations or orders-smoke/,
    ],
    ['a component that is called like a part', component('orders-smoke'), /which `of` names/],
    [
      'a smoke test of what is not enabled',
      {
        ...component('orders-smoke', 'of: orders\n'),
        'sources/values/env/dev/apps/orders-smoke.yaml': enabled(),
      },
      /orders-smoke is enabled and orders is not/,
    ],
    [
      'values of a preview that do not render',
      {
        ...component('orders', 'chart: primitive-runtime\nimage: domain-orders\n'),
        'sources/values/env/preview/apps/orders.yaml': 'replica: 1\n',
      },
      /in a preview: .*replica/s,
    ],
    [
      'globals of a lane that is none',
      { 'sources/values/env/old/globals.yaml': 'global: { lane: old }\n' },
      /kit\.yaml has no lane old/,
    ],
    [
      'a code repository that has no previews',
      component('x', 'chart: primitive-runtime\nimage: domain-x\nsource: web\n'),
      /`source` is "web"; code repositories in kit.yaml are acme\/app$/,
    ],
    [
      'a throw-away database in a lane',
      {
        'sources/values/_kinds/orders.yaml':
          'settings: { DATABASE_URL: { secret: true, postgres: true, help: x } }\n',
        ...component('orders', 'chart: primitive-runtime\nimage: domain-orders\nkind: orders\n'),
        'sources/values/env/production/apps/orders.yaml': `${enabled()}database: { image: "${REF}" }\n`,
      },
      /\/Secret is not for components/,
    ],
    [
      'a value that a service refuses at startup, as its kind says',
      {
        'sources/values/_kinds/orders.yaml':
          'settings: { ACCEPT_CALLERS: { file: true, pattern: "anyone:.+|/.+", help: "anyone:TENANT, or a file" } }\n',
        ...component('orders', 'chart: primitive-runtime\nimage: domain-orders\nkind: orders\n'),
        'sources/values/env/production/apps/orders.yaml': `${enabled()}env: { ACCEPT_CALLERS: anyone }\n`,
      },
      /in production: .*env\.ACCEPT_CALLERS is "anyone", and has to be: anyone:TENANT/s,
    ],
    [
      'values of an operator that do not render',
      {
        'sources/values/_platform/dev/operators.yaml':
          'enabled: true\noperators: { domain: { enabled: true, image: { ref: "docker.io/x/y" } } }\n',
      },
      /the operators in dev: .*operators\.domain\.image\.ref/,
    ],
  ])('refuses %s', async (_, change, message) => {
    expect(await faultOf({ ...ORDERS, ...change })).toMatch(message);
  });

  test('takes the code repositories of kit.yaml as `source`, each with previews of its own', async () => {
    const more = [
      'sources:',
      ...['web', 'tools'].map(
        (name) =>
          `  - { repository: acme/${name}, registry: ghcr.io/acme-${name}, trusted: [{ key: keys/x.pub }] }`,
      ),
    ];
    const kit = await kitFiles(
      ['dev', 'production'],
      (text) => `${text}  others: [{ name: web, repository: acme/web }]\n${more.join('\n')}\n`,
    );
    const names = { one: 'acme/web', two: 'web', three: 'acme/tools', four: 'acme/app' };
    const own = Object.entries(names).map(([name, source]) =>
      component(name, `chart: primitive-runtime\nimage: domain-${name}\nsource: ${source}\n`),
    );
    const values = (name: string) => `sources/values/env/preview/apps/${name}.yaml`;
    const ports = 'processes: { serve: { ports: { http: 8080 } } }\n';
    const previews = ['one', 'two', 'four'].map((name) => [values(name), ports]);
    const change = { ...ORDERS, ...kit, ...Object.assign({}, ...own), ...Object.fromEntries(previews) };
    // Of a repository without previews no preview reads any values.
    expect(await faultOf({ ...change, [values('three')]: ports })).toMatch(
      /env\/preview\/apps\/three\.yaml: no component of area apps reads it/,
    );
    const { stdout, images } = await judge(change);
    expect(stdout).toContain('15 of 15 renders succeeded: 5 components');
    expect(images).toEqual({
      one: `ghcr.io/acme-web/domain-one:${'0'.repeat(40)}`,
      two: `ghcr.io/acme-web/domain-two:${'0'.repeat(40)}`,
      four: `ghcr.io/acme/domain-four:${'0'.repeat(40)}`,
    });
    const unknown = component('one', 'chart: primitive-runtime\nsource: acme/none\n');
    expect(await faultOf({ ...kit, ...unknown })).toContain(
      '`source` is "acme/none"; code repositories in kit.yaml are acme/app, acme/web, web, acme/tools',
    );
  });

  test('refuses values of a lane that are not of that name: Argo CD would deploy nothing', async () => {
    const globals = { 'sources/values/env/production/globals.yaml': 'global: { lane: dev }\n' };
    const { faults } = await judge({ ...ORDERS, ...globals });
    expect(faults).toHaveLength(2);
    for (const fault of faults) expect(fault).toContain('the lane production has no values');
  });

  test('refuses two Applications of one name, of one lane and of two', async () => {
    expect(await faultOf({ ...ORDERS, ...component('orders', undefined, 'other') })).toContain(
      'has the same `name`: orders',
    );
    const lanes = ['dev', 'dev-eu'];
    expect(await faultOf({ ...component('eu-x'), ...component('x') }, { lanes })).toMatch(
      /x\/component.yaml in dev-eu: .*eu-x\/component.yaml in dev has an Application of the same name: dev-eu-x/,
    );
  });

  test('refuses a file of a component that no lane reads', async () => {
    const unread = [
      `${COMPONENTS}/apps/orders/values.yaml`,
      `${COMPONENTS}/apps/two/component.yml`,
      'sources/values/_shared/apps/oders.yaml',
      'sources/values/env/test/apps/orders.yaml',
      'sources/values/env/dev/apps/orders.yml',
      // Argo CD would read it, and nobody has asked for a smoke test.
      'sources/values/env/dev/apps/orders-smoke.yaml',
    ];
    const { faults } = await judge({
      ...ORDERS,
      ...Object.fromEntries(unread.map((path) => [path, 'replicas: 2\n'])),
    });
    const places = faults.map((fault) => fault.split(':')[0]);
    expect(places).toEqual(expect.arrayContaining(unread));
  });

  test.each(['node_modules', '.hidden', '@odd name'])('judges components in a folder %s', async (folder) => {
    const path = `${COMPONENTS}/apps/${folder}/orders/component.yaml`;
    const fault = await faultOf({
      [path]: 'name: orders\narea: apps\nchart: primitive-runtime\n',
      'sources/values/env/production/apps/orders.yaml': enabled('ghcr.io/acme/domain-orders:latest'),
    });
    expect(fault).toContain('has no digest');
  });

  test('refuses links and submodules that a change brings, and no others', async () => {
    const outward = /is a link that leads out of the repository: Argo CD would stop at it/;
    const plain = /is a link; what is deployed is in plain files/;
    const brought = {
      'docs/etc': ['/etc', outward],
      'docs/way/out': ['../../../change/docs', outward],
      [`${COMPONENTS}/apps/orders/notes`]: ['../../../../../../..', outward],
      'sources/values/env/production/apps/orders.yaml': ['../../../_shared/apps/orders.yaml', plain],
      [`${COMPONENTS}/more`]: ['apps', plain],
      'sources/charts/primitive-runtime/templates/more.yaml': ['processes.yaml', plain],
    } as const;
    const links = Object.fromEntries(Object.entries(brought).map(([path, [target]]) => [path, target]));
    const { faults } = await judge(ORDERS, { links });
    for (const [path, [, fault]] of Object.entries(brought))
      expect(faults.filter((text) => text.startsWith(`${path} `))).toEqual([expect.stringMatching(fault)]);
    const modules =
      '[submodule "a"]\n\tpath = environments/_shared/components/a\n\turl = https://evil.example/a\n';
    expect(await faultOf({ ...ORDERS, '.gitmodules': modules })).toMatch(/^\.gitmodules has changed/);
    // The owner's own, of before.
    const baseLinks = { 'docs/readme.md': '../README.md', 'docs/far': '/usr/share/doc' };
    const base = { ...ORDERS, '.gitmodules': modules };
    const kept = await judge(
      { 'README.md': 'x\n' },
      { base, baseLinks, links: { 'docs/more': 'readme.md' } },
    );
    expect(kept.faults).toEqual([]);
  });

  test('refuses to remove what is enabled, and takes it away once it is not', async () => {
    const path = 'sources/values/env/production/apps/orders.yaml';
    const gone = Object.fromEntries([...Object.keys(ORDERS), path].map((file) => [file, null]));
    expect(await faultOf(gone, { base: { ...ORDERS, [path]: enabled() } })).toContain(
      'is removed, and orders is enabled in production: disable it there first',
    );
    expect((await judge(gone, { base: { ...ORDERS, [path]: 'enabled: false\n' } })).faults).toEqual([]);
  });
});
