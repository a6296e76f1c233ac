import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundledKit } from '../../../src/features/gitops-init/bundled.ts';
import { renderKit } from '../../../src/features/gitops-init/render.ts';
import { kitText } from '../../../src/features/gitops-init/settings.ts';
import { type ServerCertificate, serverCertificate } from '../../support/services/certificates.ts';
import { startGithub } from '../../support/services/github/github.ts';
import { attempt, devCli, run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

let folder: string;
let tls: ServerCertificate;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'setup-'));
  tls = await serverCertificate(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A repository on GitHub's double with the kit, and its set-up with GitHub's own client. */
async function world() {
  const github = await startGithub({ tls });
  const gitops = await github.create('acme/gitops');
  const root = await mkdtemp(join(folder, 'kit-'));
  const kit = await bundledKit();
  const origin = { remote: 'https://github.com/acme/gitops', branch: 'main' };
  for (const [path, text] of await renderKit(kitText({ lanes: ['dev'] }, origin, kit.resources), kit)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const setup = (...flags: readonly string[]) =>
    attempt(process.execPath, ['.github/primitive/setup.mjs', ...flags], {
      cwd: root,
      env: {
        PATH: `${dirname(tool('gh'))}:${process.env.PATH}`,
        SSL_CERT_FILE: tls.caFile,
        GH_HOST: github.host,
        GH_ENTERPRISE_TOKEN: github.token().value,
        GH_CONFIG_DIR: join(root, 'gh'),
      },
    });
  await run('git', ['init', '--quiet', root]);
  const doctor = (env: Readonly<Record<string, string>> = {}) =>
    attempt(process.execPath, [devCli, 'doctor', '--json'], {
      cwd: root,
      env: {
        PATH: `${dirname(tool('gh'))}:${dirname(tool('git'))}`,
        PRIMITIVE_PROGRAM_FOLDERS: dirname(tool('gh')),
        SSL_CERT_FILE: tls.caFile,
        GH_HOST: github.host,
        GH_ENTERPRISE_TOKEN: github.token().value,
        GH_CONFIG_DIR: join(root, 'gh'),
        ...env,
      },
    });
  return { github, gitops, root, setup, doctor, [Symbol.asyncDispose]: () => github.stop() };
}

test('says what is not set up, sets it up, and finds it so', async () => {
  await using place = await world();
  const { settings } = place.gitops;
  const first = await place.setup('--check');
  expect(first.stderr).toBe('');
  expect(first).toMatchObject({ code: 1, stdout: expect.not.stringContaining('ok  ') });
  const dry = await place.setup('--dry-run');
  expect(dry.stdout).toContain('would    POST repos/acme/gitops/rulesets {"name":"GitOps kit"');
  expect(settings.rulesets).toEqual([]);
  expect(settings.environments.size).toBe(0);

  await place.setup();
  expect(settings.rulesets).toMatchObject([
    {
      enforcement: 'active',
      bypass_actors: [],
      conditions: { ref_name: { include: ['refs/heads/main'] } },
      rules: expect.arrayContaining([
        expect.objectContaining({
          type: 'pull_request',
          parameters: expect.objectContaining({
            require_code_owner_review: true,
            require_last_push_approval: true,
          }),
        }),
      ]),
    },
  ]);
  expect(settings.workflow).toMatchObject({ can_approve_pull_request_reviews: false });
  expect(settings.environments.get('gitops-proposals')?.branches).toMatchObject([{ name: 'main' }]);
  // What only a person can do is named with how.
  const left = await place.setup();
  expect(left.code).toBe(1);
  expect(left.stdout.match(/^missing /gm)).toHaveLength(2);
  expect(left.stdout).toContain('gh secret set PRIMITIVE_APP_PRIVATE_KEY --env gitops-proposals');
  settings.environments.get('gitops-proposals')?.secrets.push('PRIMITIVE_APP_PRIVATE_KEY');
  await writeFile(join(place.root, '.github/CODEOWNERS'), '* @acme/platform\n');
  expect(await place.setup('--check')).toMatchObject({ code: 0 });
});

test('sees what was weakened later', async () => {
  await using place = await world();
  const { settings } = place.gitops;
  await place.setup();
  settings.environments.get('gitops-proposals')?.secrets.push('PRIMITIVE_APP_PRIVATE_KEY');
  await writeFile(join(place.root, '.github/CODEOWNERS'), '* @acme/platform\n');
  expect(await place.setup('--check')).toMatchObject({ code: 0 });
  const [whole] = settings.rulesets;
  const weaker: readonly (() => void)[] = [
    () => settings.rulesets.splice(0, 1, { ...whole, bypass_actors: [{ actor_type: 'OrganizationAdmin' }] }),
    () => settings.rulesets.splice(0, 1, { ...whole, enforcement: 'disabled' }),
    () => settings.rulesets.splice(0, 1, { ...whole, rules: [{ type: 'deletion' }] }),
    () => settings.secrets.push('PRIMITIVE_APP_PRIVATE_KEY'),
    () => void settings.environments.get('gitops-proposals')?.branches.push({ id: 1, name: '*' }),
  ];
  for (const weaken of weaker) {
    weaken();
    const { code, stdout } = await place.setup('--check');
    expect(stdout.match(/^missing /gm)).toHaveLength(1);
    expect(code).toBe(1);
    settings.secrets.length = 0;
    // It is mended by the same command, but for what a person has to do.
    await place.setup();
    expect(await place.setup('--check')).toMatchObject({ code: 0 });
  }
});

test('does not go on without gh, nor with what it does not know', async () => {
  await using place = await world();
  expect(await place.setup('--chek')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('--chek is unknown'),
  });
});

test('doctor reads it by the script of the CLI, and sends no token to a host that only the checkout names', async () => {
  await using place = await world();
  const other = await attempt(process.execPath, [devCli, 'list'], { cwd: place.root });
  expect(other.stderr).toContain('This is a GitOps repository, which has no primitive.config.yaml.');
  expect(other.code).toBe(2);
  // It would say that all is well.
  await writeFile(join(place.root, '.github/primitive/setup.mjs'), 'console.log("ok       all")\n');
  const missing = await place.doctor();
  expect(JSON.parse(missing.stdout)).toMatchObject({
    ok: false,
    checks: [
      { id: 'setup', detail: '5 of 5 points are not set up on GitHub.', code: 'gitops-setup-missing' },
    ],
  });
  expect(missing.code).toBe(1);
  const file = join(place.root, '.github/primitive/kit.json');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll('https://github.com/', `${place.github.web}/`));
  // With the token that host would answer.
  const silent = await place.doctor({ GH_HOST: '' });
  expect(JSON.parse(silent.stdout)).toMatchObject({ ok: false, checks: [{ code: 'gitops-setup-unknown' }] });
  expect(silent.code).toBe(3);
});
