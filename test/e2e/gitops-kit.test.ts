import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { actRun } from '../support/act.ts';
import { type GitopsWorld, startGitops } from '../support/gitops.ts';
import { installPacked, type Packed } from '../support/packed.ts';
import { startPublishLab } from '../support/publish-lab.ts';
import { serverCertificate } from '../support/services/certificates.ts';
import { attempt, run } from '../support/services/run.ts';
import { contentOf } from '../support/tree.ts';
import { tool } from '../tools/locate.ts';

const RELEASE = 'domain-orders-v1';
const WORKFLOW = 'scaffold-primitive-gitops.yaml';

let cli: Packed;
let home: string;
let world: GitopsWorld;
let caFile: string;

beforeAll(async () => {
  cli = await installPacked();
  home = await mkdtemp(join(tmpdir(), 'primitive-kit-'));
  const tls = await serverCertificate(home);
  caFile = tls.caFile;
  world = await startGitops({ tls, kit: false });
});

afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await cli?.[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true, maxRetries: 3 });
});

/** What a domain has to have, besides an image. */
const SETTINGS =
  'env: { ACCEPT_CALLERS: anyone:acme, EVENTS_URL: "http://e" }\nsecrets: { DATABASE_URL: { name: db, key: url } }\n';

/** Renders a component of a clone in a lane, as the gate does. */
async function render(folder: string, lane: string): Promise<string> {
  const out = join(home, 'rendered');
  await rm(out, { recursive: true, force: true });
  const PATH = `${dirname(tool('helm'))}:${process.env.PATH}`;
  const gate = ['.github/primitive/render.mjs', out];
  const { code, stdout } = await attempt(process.execPath, gate, { cwd: folder, env: { PATH } });
  expect({ code, stdout }).toMatchObject({ code: 0 });
  return run('cat', [join(out, lane, `${RELEASE}.yaml`)]);
}

test('from two repositories to a reviewed pull request, and on to a rendered reference', async () => {
  const owner = await world.clone();
  const init = [
    'gitops',
    'init',
    '--registry',
    'ghcr.io/acme',
    '--code',
    'acme/app',
    '--lanes',
    'dev,production',
  ];
  expect(await cli.run(init, { cwd: owner })).toMatchObject({ code: 0 });
  await world.pushAll(owner, 'Install the GitOps kit');

  // The run of the double is that of the workflow which was installed, by act.
  const steps = ['Check the request', 'Write the files', 'Render them with helm', 'Open the pull request'];
  world.gitops.script = () => ({
    jobs: [{ name: 'Scaffold', steps: steps.map((name) => ({ name })) }],
    onCompleted: async ({ inputs }) => {
      const result = await actRun(world, WORKFLOW, 'workflow_dispatch', {
        inputs,
        caFile,
        home: join(home, 'act'),
      });
      expect(result).toMatchObject({
        code: 0,
        steps: Object.fromEntries(steps.map((name) => [name, 'success'])),
      });
    },
  });

  const code = join(home, 'code');
  await mkdir(code);
  await run('git', ['init', '--quiet', '--initial-branch=main', code]);
  await writeFile(
    join(code, 'primitive.config.yaml'),
    'registry: ghcr.io/acme\ngitops: { repository: acme/gitops, lanes: [dev, production] }\n',
  );
  const before = await contentOf(code);
  const env = {
    GH_TOKEN: world.token,
    GITHUB_API_URL: world.github.api,
    NODE_EXTRA_CA_CERTS: caFile,
    SSL_CERT_FILE: caFile,
  };
  const flags = ['--kind', 'domain', '--name', 'orders', '--version', 'v1', '--env', 'dev', '--with-smoke'];
  const asked = await cli.run(['gitops', 'scaffold', ...flags, '--json'], { cwd: code, env });
  expect(asked).toMatchObject({ code: 0 });
  const document = JSON.parse(asked.stdout);
  expect(document).toMatchObject({ result: 'proposed', pull: { number: 1, state: 'open' } });
  expect(document.pull.files.map(({ path }: { path: string }) => path)).toEqual([
    `environments/_shared/components/apps/primitives/${RELEASE}-smoke/component.yaml`,
    `environments/_shared/components/apps/primitives/${RELEASE}/component.yaml`,
    `sources/values/_shared/apps/${RELEASE}-smoke.yaml`,
    `sources/values/_shared/apps/${RELEASE}.yaml`,
    `sources/values/env/dev/apps/${RELEASE}.yaml`,
  ]);
  expect(await contentOf(code)).toEqual(before);

  const again = await cli.run(['gitops', 'scaffold', ...flags, '--json'], { cwd: code, env });
  expect(JSON.parse(again.stdout)).toMatchObject({ result: 'exists', pull: { number: 1 } });

  await world.gitops.merge(1);
  const wired = await cli.run(['gitops', 'scaffold', ...flags, '--json'], { cwd: code, env });
  expect(JSON.parse(wired.stdout)).toMatchObject({ result: 'exists' });
  expect(world.gitops.runs).toHaveLength(1);
  const merged = await world.clone();
  expect(await render(merged, 'dev')).not.toMatch(/^kind:/m);

  await using lab = await startPublishLab({ cli });
  await using app = await lab.app({ sources: { 'domain/orders': 'v1' } });
  const ref = (await app.report()).components[0]?.ref ?? '';
  expect(ref).toMatch(/domain-orders:[0-9a-f]{40}@sha256:[0-9a-f]{64}$/);
  const values = `sources/values/env/dev/apps/${RELEASE}.yaml`;
  // The registry of this test is another than that of the kit.
  const settings = await world.clone();
  await appendFile(join(settings, 'kit.yaml'), `\nimages: { allowed: [${ref.split('/')[0]}/] }\n`);
  expect(await cli.run(['gitops', 'init', '--update'], { cwd: settings })).toMatchObject({ code: 0 });
  await world.pushAll(settings, 'Allow images of the test');
  await world.commit({ [values]: `enabled: true\n${SETTINGS}image:\n  ref: ${ref}\n` });
  const enabled = await world.clone();
  const manifests = await render(enabled, 'dev');
  expect(manifests).toContain(`image: "${ref}"`);
  expect(manifests).toContain('imagePullPolicy: IfNotPresent');
  expect(await render(enabled, 'production')).not.toMatch(/^kind:/m);
});

test('gitops init refuses a code repository, and says so in JSON', async () => {
  const cwd = join(home, 'other');
  await mkdir(cwd);
  await run('git', ['init', '--quiet', cwd]);
  await writeFile(join(cwd, 'primitive.config.yaml'), 'registry: ghcr.io/acme\n');
  const { code, stdout } = await cli.run(['gitops', 'init', '--json'], { cwd });
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({ code: 'kit-in-code-repository', exit: 2 });
});
