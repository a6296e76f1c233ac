import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Check } from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventSchema } from '../../../src/core/event-document.ts';
import type { PublishPlan, PublishReport } from '../../../src/features/publish/document.ts';
import { watchDescendants } from '../../support/descendants.ts';
import { collect } from '../../support/packed.ts';
import { blocks, commandsOf } from '../../support/pages.ts';
import { type PublishLab, startPublishLab, tagsOf } from '../../support/publish-lab.ts';
import { attempt, run } from '../../support/services/run.ts';
import { pushShellBase } from '../../support/shell-base.ts';
import { tool } from '../../tools/locate.ts';

let lab: PublishLab;
beforeAll(async () => {
  lab = await startPublishLab({ lightSyft: true });
});
afterAll(() => lab?.[Symbol.asyncDispose]());

/** The schema that the package brings for a document. */
async function packedSchema(name: string): Promise<Parameters<typeof Check>[0]> {
  return JSON.parse(await readFile(join(lab.cli.folder, 'schemas', `${name}.json`), 'utf8'));
}

/** What a step of GitHub Actions wrote to GITHUB_OUTPUT: `name<<delimiter`, the value, `delimiter`. */
function stepOutputs(text: string): Record<string, string> {
  const outputs = text.matchAll(/^([a-z]+)<<(\S+)\n(.*?)\n\2$/gms);
  return Object.fromEntries([...outputs].map(([, name, , value]) => [name, value]));
}

describe('in GitHub Actions', () => {
  test('a dry run gives the matrix and changes nothing; a publish gives refs and release', async () => {
    await using app = await lab.app();
    const folder = await lab.folder('github');
    const env = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_STEP_SUMMARY: join(folder, 'summary') };
    lab.proxy.reset();
    const dry = await app.publish({ args: ['--dry-run'], env });
    expect(dry.code).toBe(0);
    expect(dry.stdout).toMatch(/Nothing was changed/);
    expect(lab.proxy.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    const { matrix = '' } = stepOutputs(await readFile(env.GITHUB_OUTPUT, 'utf8'));
    expect(JSON.parse(matrix)).toEqual({
      include: [
        { component: 'domain/orders', kind: 'domain', name: 'orders' },
        { component: 'domain/stock', kind: 'domain', name: 'stock' },
      ],
    });
    await Promise.all([writeFile(env.GITHUB_OUTPUT, ''), writeFile(env.GITHUB_STEP_SUMMARY, '')]);
    const real = await app.publish({ env });
    expect(real.code, real.stderr).toBe(0);
    const { refs = '', release } = stepOutputs(await readFile(env.GITHUB_OUTPUT, 'utf8'));
    for (const id of app.ids) {
      const tags = await tagsOf(app.image(id));
      expect(JSON.parse(refs)[id]).toBe(`${app.image(id)}:${app.head}@${tags[app.head]}`);
    }
    expect(release).toBe(`${app.releases}:${app.head}@${(await tagsOf(app.releases))[app.head]}`);
    // Whoever deploys needs no identity and no token to verify it.
    const check = (...args: readonly string[]) =>
      collect(
        lab.cli.start(['release', ...args], { cwd: app.repo.root, env: app.environment({ as: null }) }),
      );
    const verified = await check('verify', '--json');
    expect(verified.code, verified.stderr).toBe(0);
    expect(Check(await packedSchema('primitive.release-report.v1'), JSON.parse(verified.stdout))).toBe(true);
    const shown = await check('show', app.head);
    expect(shown.stdout).toMatch(/^release record: trusted$/m);
    for (const id of app.ids)
      expect(shown.stdout).toContain(`${app.image(id)}@${(await tagsOf(app.image(id)))[app.head]}`);
    expect((await check('verify', `${app.image('domain/orders')}:${app.head}`)).code).toBe(0);
    expect((await check('verify', '0'.repeat(40))).code).toBe(1);
    const summary = await readFile(env.GITHUB_STEP_SUMMARY, 'utf8');
    expect(summary).toMatch(/^### Published `[0-9a-f]{12}` \(trusted\)$/m);
    expect(summary).toContain(
      `| domain/orders | built | \`${app.image('domain/orders')}:${app.head}@sha256:`,
    );
    expect(real.stderr).toMatch(/^::group::domain\/orders$/m);
  });

  test('a matrix seals in parallel, one last publish tags and records everything', async () => {
    await using app = await lab.app({ inProcess: true });
    const plan = await app.plan();
    const jobs = plan.components.filter(({ action }) => action === 'build');
    const sealed = await Promise.all(
      jobs.map(({ kind, name }) => app.report({ args: ['--kind', kind, '--name', name, '--seal-only'] })),
    );
    expect(sealed.flatMap(({ components }) => components.map(({ action }) => action))).toEqual(
      app.ids.map(() => 'built'),
    );
    expect(Object.keys(await tagsOf(app.releases))).toEqual([]);
    for (const id of app.ids) expect(await tagsOf(app.image(id))).not.toHaveProperty(app.head);
    const last = await app.report();
    expect(last.components.map(({ action, baseline }) => [action, baseline?.found])).toEqual(
      app.ids.map(() => ['reused', 'input-tag']),
    );
    expect(last).toMatchObject({ release: { written: true }, channel: { moved: true } });
  });
});

describe('documents', () => {
  test('--json is one document and nothing else, the same as the report; events are one object a line', async () => {
    await using app = await lab.app({ sources: { 'domain/orders': 'v1' } });
    const folder = await lab.folder('reports');
    const reports = ['--report', `json=${folder}/report.json`, '--report', `markdown=${folder}/report.md`];
    const call = await app.publish({ args: ['--json', '--events', 'ndjson', ...reports] });
    expect(call.code).toBe(0);
    const report = JSON.parse(call.stdout) as PublishReport;
    expect(call.stdout).toBe(`${JSON.stringify(report, null, 2)}\n`);
    expect(Check(await packedSchema('primitive.publish.v1'), report)).toBe(true);
    expect(await readFile(`${folder}/report.json`, 'utf8')).toBe(call.stdout);
    expect(await readFile(`${folder}/report.md`, 'utf8')).toContain(report.components[0]?.ref ?? '-');
    const events = call.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const event of events) expect(Check(eventSchema, event), JSON.stringify(event)).toBe(true);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter(({ type }) => type === 'item').map(({ state }) => state)).toEqual(
      'planned building built describing attesting attested signing sealed tagged'.split(' '),
    );

    const plan = await app.publish({ args: ['--json', '--dry-run', '--report', `json=${folder}/plan.json`] });
    expect(Check(await packedSchema('primitive.publish-plan.v1'), JSON.parse(plan.stdout))).toBe(true);
    expect(await readFile(`${folder}/plan.json`, 'utf8')).toBe(plan.stdout);
  });

  test('a report is the same for the same publish, except for what stands under `run`', async () => {
    await using app = await lab.app();
    await app.report();
    const [one, other] = [await app.report(), await app.report({ env: { TZ: 'Asia/Tokyo', LC_ALL: 'C' } })];
    expect({ ...one, run: null }).toEqual({ ...other, run: null });
  });

  test('a machine without an identity plans as main would, and says so', async () => {
    await using app = await lab.app();
    const { code, stdout, stderr } = await app.publish({ as: null, args: ['--dry-run', '--json'] });
    expect(code).toBe(0);
    expect(stderr).toMatch(/No identity here/);
    expect((JSON.parse(stdout) as PublishPlan).run.tier).toBe('trusted');
  });
});

/** The lines of docs/trust.md that verify by key, as arguments, for an image. */
function documentedKeyLines(ref: string): readonly (readonly string[])[] {
  return blocks()
    .filter(({ page, language }) => page === 'docs/trust.md' && language === 'sh')
    .flatMap(commandsOf)
    .filter((words) => words.some((word) => word.startsWith('--key=')))
    .map(([, ...words]) => words.map((word) => (word.startsWith('ghcr.io/') ? ref : word)));
}

test('keys: an encrypted key seals, cosign 3 and 2.6 verify with the public one; a wrong password is told', async () => {
  const folder = await lab.folder('keys');
  const password = 'canary-password-4711';
  const env = { COSIGN_PASSWORD: password };
  await run(tool('cosign'), ['generate-key-pair', '--output-key-prefix', join(folder, 'k')], { env });
  const publicKey = await readFile(join(folder, 'k.pub'), 'utf8');
  await using app = await lab.app({
    signing: `signing: { signer: { key: ${folder}/k.key }, trusted: [{ key: cosign.pub }] }`,
    files: { 'cosign.pub': publicKey },
  });
  const report = await app.report({ as: null, env });
  expect(report.components.map(({ action }) => action)).toEqual(['built', 'built']);
  const ref = report.components[0]?.ref ?? '';
  const lines = documentedKeyLines(ref);
  expect(lines.map(([command, type]) => `${command} ${type?.startsWith('--type') ? type : ''}`)).toEqual([
    'verify ',
    'verify-attestation --type=slsaprovenance1',
    'verify-attestation --type=spdxjson',
  ]);
  // As they stand in the documentation, and with the public half of the key in the current folder.
  const root = join(folder, 'trusted-root.json');
  await run(tool('cosign'), ['trusted-root', 'create', `--out=${root}`]);
  for (const args of lines) {
    const at = { cwd: app.repo.root, env: { HOME: folder } };
    await run(tool('cosign'), args, at);
    await run(tool('cosign2'), [...args, `--trusted-root=${root}`], at);
  }
  const [verify = []] = lines;
  const unsaid = verify.filter((flag) => flag !== '--insecure-ignore-tlog');
  expect((await attempt(tool('cosign'), unsaid, { cwd: app.repo.root })).code).not.toBe(0);
  const again = await app.report({ as: null, env });
  expect(again.components.map(({ action }) => action)).toEqual(app.ids.map(() => 'already-published'));
  await app.change({ 'domain/stock': 'v2' });
  const wrong = await app.publish({ as: null, args: ['--json'], env: { COSIGN_PASSWORD: 'wrong-password' } });
  expect(wrong.code).toBe(3);
  expect(JSON.parse(wrong.stdout)).toMatchObject({ code: 'signing-key-unusable' });
  expect(wrong.stdout + wrong.stderr).not.toMatch(/wrong-password/);
  // A letter that is masked in other words would be shown by them.
  const short = await app.publish({ as: null, args: ['--json'], env: { COSIGN_PASSWORD: 'y' } });
  expect(short.stdout).toMatch(/decrypt/);
  expect(short.stdout + short.stderr).not.toContain('***');
  expect(short.stderr.match(/COSIGN_PASSWORD: shorter than 8 characters/g)).toHaveLength(1);
});

test('no secret is in any output, event, report, plan, process list, provenance, SBOM or image', async () => {
  const secrets = {
    build: 'canary-build-secret-1',
    password: 'canary-cosign-password-2',
    registry: 'canary-registry-3',
  };
  const folder = await lab.folder('secrets');
  const shell = await pushShellBase(lab.proxy.host);
  const docker = await lab.folder('docker');
  const auth = Buffer.from(`user:${secrets.registry}`).toString('base64');
  await writeFile(join(docker, 'config.json'), JSON.stringify({ auths: { [lab.proxy.host]: { auth } } }));
  // The step prints its secret, as a careless Dockerfile would.
  const dockerfile = `FROM ${shell}\nRUN --mount=type=secret,id=token cat /run/secrets/token && echo && sleep 1\nCOPY app.txt /\n`;
  await using app = await lab.app({
    sources: { 'domain/orders': 'v1' },
    config: 'build: { builder: buildx, secrets: [{ id: token, env: BUILD_TOKEN }] }',
    files: { 'primitives/domain/orders/Dockerfile': dockerfile },
  });
  const env = {
    PATH: `${await lab.programs({ syft: tool('syft') })}:${lab.bin}:/usr/bin:/bin`,
    BUILD_TOKEN: secrets.build,
    COSIGN_PASSWORD: secrets.password,
    DOCKER_CONFIG: docker,
    PRIMITIVE_DEBUG: '1',
    GITHUB_OUTPUT: join(folder, 'output'),
    GITHUB_STEP_SUMMARY: join(folder, 'summary'),
  };
  const plan = await app.publish({ args: ['--dry-run', '--json'], env });
  const reports = ['--report', `json=${folder}/report.json`, '--report', `markdown=${folder}/report.md`];
  const child = app.start({ args: ['--json', '--events', 'ndjson', ...reports], env });
  const family = watchDescendants(child.pid ?? -1);
  const call = await collect(child);
  await family.stop();
  expect(call.code, call.stderr).toBe(0);
  expect(call.stderr).toMatch(/"line":"[^"]*\*\*\*/);
  for (const program of [/\/?cosign attest-blob/, /\/?syft scan/, /buildx build/]) {
    expect(
      [...family.commandLines].some((line) => program.test(line)),
      String(program),
    ).toBe(true);
  }

  const texts = [plan.stdout, plan.stderr, call.stdout, call.stderr, ...family.commandLines];
  for (const file of await readdir(folder)) texts.push(await readFile(join(folder, file), 'utf8'));
  const image = app.image('domain/orders');
  const { components } = JSON.parse(call.stdout) as PublishReport;
  const { provenance = '', sbom = [], signature = '', digest = '' } = components[0] ?? {};
  for (const bundle of [provenance, signature, ...sbom.map((entry) => entry.digest)]) {
    const manifest = JSON.parse(await run(tool('crane'), ['manifest', `${image}@${bundle}`]));
    const text = await run(tool('crane'), ['blob', `${image}@${manifest.layers[0].digest}`]);
    const payload = Buffer.from(JSON.parse(text).dsseEnvelope.payload, 'base64').toString('utf8');
    expect(JSON.parse(payload)).toHaveProperty('predicateType');
    texts.push(text, payload);
  }
  const saved = join(folder, 'image.tar');
  await run(tool('crane'), ['pull', `${image}@${digest}`, saved, '--platform', 'linux/amd64']);
  const unpacked = await attempt('sh', [
    '-c',
    `tar -xf ${saved} -C ${docker} && cat ${docker}/*.tar.gz | gzip -dc; cat ${docker}/sha256*`,
  ]);
  texts.push(unpacked.stdout);
  expect(unpacked.stdout).toContain('domain/orders v1');
  const tokens = [...family.commandLines].filter((line) => /eyJ[\w-]+\.eyJ/.test(line));
  expect(tokens, 'no token among the arguments of a process').toEqual([]);
  expect(texts.filter((text) => /eyJ[\w-]{20,}\.eyJ[\w-]{20,}\./.test(text))).toEqual([]);
  for (const [name, secret] of Object.entries(secrets)) {
    const forms = [secret, Buffer.from(secret).toString('base64').replace(/=+$/, ''), auth];
    for (const form of forms)
      expect(
        texts.filter((text) => text.includes(form)),
        name,
      ).toEqual([]);
  }
  // The build really had it: without the secret there is none.
  await app.change({ 'domain/orders': 'v2' });
  const { BUILD_TOKEN: _, ...without } = env;
  const refused = await app.publish({ args: ['--json'], env: without });
  expect(JSON.parse(refused.stdout)).toMatchObject({ code: 'build-secret-missing', exit: 2 });
});
