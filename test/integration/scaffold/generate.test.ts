import { appendFile, chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { findingText } from '../../../src/core/finding.ts';
import { type Generated, generate } from '../../../src/features/generate/generate.ts';
import { readOnDisk } from '../../../src/features/generate/on-disk.ts';
import { originalWarning } from '../../../src/features/generate/original.ts';
import { bundledKinds, type Kinds, openKinds } from '../../../src/kinds/kind.ts';
import { loadConfig } from '../../../src/repository/config.ts';
import { findConfig } from '../../../src/repository/discovery.ts';
import { ORDER } from '../../support/bpmn-models.ts';
import { prepare, scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';
import { attempt, attemptUnprivileged, devCli, run as runProgram } from '../../support/services/run.ts';
import { contentOf } from '../../support/tree.ts';
import { tool } from '../../tools/locate.ts';

const PATH = [dirname(tool('buf')), dirname(tool('go')), process.env.PATH].join(delimiter);
const domain = { kind: 'domain', name: 'orders' };
const folder = 'primitives/domain/orders';
const proto = `${folder}/proto/acme/domain/orders/v1/service.proto`;

async function primitivesIn(root: string, kinds?: Kinds) {
  const location = await findConfig({ cwd: root });
  const config = await loadConfig(location, '1.0.0');
  return readOnDisk({ location, config, kinds: kinds ?? (await openKinds({ bundled: bundledKinds() })) });
}

async function run(
  root: string,
  {
    check = false,
    path = PATH,
    temporary = tmpdir(),
    home = process.env.HOME,
    listed,
  }: {
    readonly check?: boolean;
    readonly path?: string;
    readonly temporary?: string;
    readonly home?: string | undefined;
    readonly listed?: ReadonlySet<string>;
  } = {},
): Promise<readonly Generated[]> {
  const [primitive] = await primitivesIn(root);
  if (primitive === undefined) throw new Error('nothing was scaffolded');
  const processes = createProcesses({ ...process.env, PATH: path, HOME: home, XDG_CACHE_HOME: undefined });
  const { signal } = new AbortController();
  return generate(primitive, {
    root,
    processes,
    path,
    platform: process.platform,
    signal,
    check,
    ...(listed === undefined ? {} : { listed }),
    temporary,
    warn: () => {},
  });
}

const changesOf = (generated: readonly Generated[]) =>
  generated.flatMap(({ changes }) => changes.map(({ path, change }) => `${change} ${path}`));

test('a fresh scaffold is as generated; a change of the proto is seen, made, and left alone by scaffold', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, domain);
  expect(await run(repo.root, { check: true })).toEqual([
    { kind: 'domain', name: 'orders', generator: 'platform', changes: [] },
    { kind: 'domain', name: 'orders', generator: 'proto', changes: [] },
  ]);

  await appendFile(join(repo.root, proto), '\nmessage Added {\n  string value = 1;\n}\n');
  await writeFile(join(repo.root, folder, 'gen/stale.pb.go'), 'package gen\n');
  const expected = ['changed gen/acme/domain/orders/v1/service.pb.go', 'removed gen/stale.pb.go'];
  const before = await contentOf(repo.root, ['.git']);
  expect(changesOf(await run(repo.root, { check: true }))).toEqual(expected);
  expect(await contentOf(repo.root, ['.git'])).toEqual(before);

  expect(changesOf(await run(repo.root))).toEqual(expected);
  expect(
    await readFile(join(repo.root, folder, 'gen/acme/domain/orders/v1/service.pb.go'), 'utf8'),
  ).toContain('type Added struct');
  expect(changesOf(await run(repo.root, { check: true }))).toEqual([]);

  const { plan } = await prepare(repo.root, domain);
  const stub = plan.files.find(({ path }) => path.endsWith('service.pb.go'));
  expect([stub?.action, stub?.reason]).toEqual(['keep', 'generator-input-edited']);
});

test('a primitive.yaml that cannot be read stops the generators of its own primitive alone', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, domain);
  await repo.write({ 'primitives/domain/broken/primitive.yaml': 'kind: [\n' });
  const printed = await runProgram(devCli, ['generate', 'domain/orders', '--check', '--json'], {
    cwd: repo.root,
    env: { PATH },
  });
  expect(JSON.parse(printed).generated).toEqual([
    { kind: 'domain', name: 'orders', generator: 'platform', changes: [] },
    { kind: 'domain', name: 'orders', generator: 'proto', changes: [] },
  ]);
  const { code, stdout: said } = await attempt(devCli, ['generate', '--check', '--json'], {
    cwd: repo.root,
    env: { PATH },
  });
  expect([code, JSON.parse(said).code]).toEqual([2, 'primitive-syntax']);
});

test('a generator that fails changes nothing, and says why', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, domain);
  await appendFile(join(repo.root, proto), '\nmessage {\n');
  const before = await contentOf(repo.root, ['.git']);
  await expect(run(repo.root)).rejects.toMatchObject({
    code: 'generator-failed',
    exit: 3,
    why: expect.stringContaining('service.proto:'),
    suggestions: ['Correct its input, and run the command again.'],
  });
  expect(await contentOf(repo.root, ['.git'])).toEqual(before);
});

test('a generator that cannot write below HOME asks for another one', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, domain);
  await expect(run(repo.root, { home: '/proc/nobody' })).rejects.toMatchObject({
    code: 'generator-failed',
    exit: 3,
    why: expect.stringContaining('mkdir /proc'),
    suggestions: ['Set HOME and TMPDIR to writable folders, and run the command again.'],
  });
});

test('a disk that is full is no difference, although buf ends well', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, domain);
  const temporary = join(repo.root, '..', 'disk');
  await mkdir(temporary);
  await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', temporary]);
  try {
    await expect(run(repo.root, { check: true, temporary })).rejects.toMatchObject({
      code: 'disk-full',
      exit: 3,
    });
  } finally {
    await runProgram('umount', [temporary]);
  }
});

test('a generator that is missing, or of another version', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, domain);
  const install = ['go install github.com/bufbuild/buf/cmd/buf@v1.60.0'];
  await expect(run(repo.root, { path: '/nowhere' })).rejects.toMatchObject({
    code: 'generator-missing',
    exit: 3,
    suggestions: install,
  });
  const other = join(repo.root, '..', 'other');
  await mkdir(other);
  await writeFile(join(other, 'buf'), '#!/bin/sh\necho 9.9.9\n');
  await chmod(join(other, 'buf'), 0o755);
  await expect(run(repo.root, { path: [other, PATH].join(delimiter) })).rejects.toMatchObject({
    code: 'generator-version',
    exit: 3,
    message: expect.stringContaining('is 9.9.9; 1.60.0 is required'),
    suggestions: install,
  });
});

test('a generator that fails without a word', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, domain);
  const bin = join(repo.root, 'node_modules/bin');
  await mkdir(bin);
  await writeFile(join(bin, 'buf'), '#!/bin/sh\ntest "$1" = --version && echo 1.60.0\n', { mode: 0o755 });
  await expect(run(repo.root, { path: [bin, PATH].join(delimiter) })).rejects.toMatchObject({
    code: 'generator-failed',
    why: 'it printed no message',
  });
});

test('a program that nobody knows is not run', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root);
  const kinds = await openKinds({ test: join(repo.root, 'node_modules/@acme/kinds/kinds') });
  const [widget] = await primitivesIn(repo.root, kinds);
  if (widget === undefined) throw new Error('nothing was scaffolded');
  const processes = createProcesses(process.env);
  const { signal } = new AbortController();
  const context = {
    root: repo.root,
    processes,
    path: PATH,
    platform: process.platform,
    temporary: tmpdir(),
    warn: () => {},
    signal,
    check: false,
  };
  await expect(generate(widget, context)).rejects.toMatchObject({ code: 'generator-unknown', exit: 2 });
});

test('a service of an existing proto: its stubs are to be generated first, and then compile', async () => {
  await using repo = await scaffoldRepo({
    'proto/acme/billing/v1/api.proto': [
      'syntax = "proto3";',
      'package acme.billing.v1;',
      'service Billing { rpc Bill(BillRequest) returns (BillResponse) {} }',
      'message BillRequest { string id = 1; }',
      'message BillResponse { string id = 1; }',
      '',
    ].join('\n'),
  });
  const inputs = { service: 'proto/acme/billing/v1/api.proto' };
  const plan = await scaffold(repo.root, { kind: 'domain', name: 'billing', inputs });
  expect(plan.next[0]).toBe('primitive generate domain/billing');
  expect(changesOf(await run(repo.root))).toEqual([
    'created gen/acme/billing/v1/api.pb.go',
    'created gen/acme/billing/v1/api_grpc.pb.go',
  ]);
  const place = { cwd: join(repo.root, 'primitives/domain/billing'), env: { GOWORK: 'off' } };
  // On an empty module cache vet would say what it downloads.
  await runProgram(tool('go'), ['mod', 'download'], place);
  const vet = await attempt(tool('go'), ['vet', './...'], place);
  expect(vet).toEqual({ code: 0, stdout: '', stderr: '' });
  const again = await prepare(repo.root, { kind: 'domain', name: 'billing' });
  expect(new Set(again.plan.files.map(({ action }) => action))).toEqual(new Set(['unchanged']));
});

const flow = { kind: 'process', name: 'orders' };
const model = 'primitives/process/orders/bpmn/process.bpmn';
const code = 'primitives/process/orders/internal/gen/model/model.go';

test('a fresh process is as generated, without any program; regenerating is a no-op', async () => {
  await using repo = await scaffoldRepo();
  const plan = await scaffold(repo.root, flow);
  expect(plan.next[0]).toBe('(cd primitives/process/orders && go test ./...)');
  const before = await contentOf(repo.root, ['.git']);
  for (const check of [true, false]) {
    expect(await run(repo.root, { check, path: '/nowhere' })).toEqual([
      { kind: 'process', name: 'orders', generator: 'platform', changes: [] },
      { kind: 'process', name: 'orders', generator: 'bpmn', changes: [] },
    ]);
  }
  expect(await contentOf(repo.root, ['.git'])).toEqual(before);
});

test('generated files that cannot be read are no difference', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, flow);
  await chmod(join(repo.root, 'primitives/process/orders/internal/gen'), 0);
  const { code, stderr } = await attemptUnprivileged(devCli, ['generate', '--check'], { cwd: repo.root });
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('permission denied') });
});

test('a generated file that git ignores is as good as missing', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, flow);
  const made = 'internal/gen/model/model.go';
  const ofModel = (results: readonly Generated[]) =>
    changesOf(results.filter(({ generator }) => generator === 'bpmn'));
  expect(ofModel(await run(repo.root, { check: true, listed: new Set([made]) }))).toEqual([]);
  expect(ofModel(await run(repo.root, { check: true, listed: new Set() }))).toEqual([`created ${made}`]);
});

test('an edited model: seen, generated with its new method, left alone by scaffold; a diagram changes nothing', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, flow);
  const text = await readFile(join(repo.root, model), 'utf8');
  await writeFile(join(repo.root, model), text.replaceAll('x="152"', 'x="99"'));
  expect(changesOf(await run(repo.root))).toEqual([]);

  await writeFile(join(repo.root, model), text.replace('orders.work.request.v1', 'orders.work.recall.v1'));
  const expected = ['changed internal/gen/model/model.go'];
  expect(changesOf(await run(repo.root, { check: true }))).toEqual(expected);
  expect(changesOf(await run(repo.root))).toEqual(expected);
  expect(await readFile(join(repo.root, code), 'utf8')).toContain('WorkRecallV1(ctx context.Context');
  const { plan } = await prepare(repo.root, flow);
  const generated = plan.files.find(({ path }) => path.endsWith('model.go'));
  expect([generated?.action, generated?.reason]).toEqual(['keep', 'generator-input-edited']);
});

test('a model with faults changes nothing, and each is told with its place', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, flow);
  const text = await readFile(join(repo.root, model), 'utf8');
  await writeFile(join(repo.root, model), text.replace('orders.work.request.v1', ''));
  const before = await contentOf(repo.root, ['.git']);
  await expect(run(repo.root)).rejects.toMatchObject({
    code: 'bpmn-job-type-missing',
    exit: 2,
    message: expect.stringMatching(/^primitives\/process\/orders\/bpmn\/process\.bpmn:\d+:9: RequestWork: /),
  });
  expect(await contentOf(repo.root, ['.git'])).toEqual(before);
  await rm(join(repo.root, model));
  await expect(run(repo.root)).rejects.toMatchObject({ code: 'generator-input', exit: 2 });
});

test('a process of an existing model is written with it, and one with faults is refused before anything is', async () => {
  await using repo = await scaffoldRepo({
    'models/order.bpmn': ORDER,
    'models/broken.bpmn': ORDER.replace('type="mail"', 'type=""'),
    'models/order.xml': ORDER,
  });
  const asked = (file: string) => ({ kind: 'process', name: 'shop', inputs: { bpmn: `models/${file}` } });
  const refused = {
    code: 'bpmn-job-type-missing',
    message: expect.stringContaining('models/broken.bpmn:'),
  };
  await expect(prepare(repo.root, asked('broken.bpmn'))).rejects.toMatchObject(refused);
  await expect(prepare(repo.root, asked('order.xml'))).rejects.toMatchObject({ code: 'input-invalid' });
  await scaffold(repo.root, asked('order.bpmn'));
  const folder = join(repo.root, 'primitives/process/shop');
  expect(await readFile(join(folder, 'bpmn/process.bpmn'), 'utf8')).toBe(ORDER);
  expect(await readFile(join(folder, 'internal/handlers/handlers.go'), 'utf8')).toContain(
    'func (h *Handlers) PaymentChargeV1(',
  );
  expect(changesOf(await run(repo.root, { check: true }))).toEqual([]);
  for (const original of ['there', 'gone']) {
    if (original === 'gone') await rm(join(repo.root, 'models/order.bpmn'));
    const again = await prepare(repo.root, { kind: 'process', name: 'shop' });
    expect(new Set(again.plan.files.map(({ action }) => action))).toEqual(new Set(['unchanged']));
  }
});

test('the copy of a model counts: the original is read no more, and the one that changed is named', async () => {
  const original = 'models/order.bpmn';
  const copy = 'primitives/process/shop/bpmn/process.bpmn';
  await using repo = await scaffoldRepo({ [original]: ORDER });
  await scaffold(repo.root, { kind: 'process', name: 'shop', inputs: { bpmn: original } });
  const warning = async () => {
    const [primitive] = await primitivesIn(repo.root);
    return (
      primitive &&
      findingText((await originalWarning(primitive, repo.root)) ?? { rule: 'bpmn-invalid', message: 'none' })
    );
  };
  expect(await warning()).toBe('none');

  const changed = ORDER.replace('type="mail"', 'type="post"');
  await repo.write({ [original]: changed });
  const { plan } = await prepare(repo.root, { kind: 'process', name: 'shop' });
  expect(new Set(plan.files.map(({ action }) => action))).toEqual(new Set(['unchanged']));
  expect(changesOf(await run(repo.root, { check: true }))).toEqual([]);
  expect(await warning()).toBe(
    `${original}: it has changed since it was copied to ${copy}, from which code is generated`,
  );

  await repo.write({ [original]: ORDER, [copy]: changed });
  expect(changesOf(await run(repo.root, { check: true }))).toEqual(['changed internal/gen/model/model.go']);
  expect(await warning()).toBe(
    `${copy}: it has changed since it was copied from ${original}; code is generated from this copy`,
  );
  await repo.write({ [original]: changed });
  expect(await warning()).toBe('none');
  await repo.write({ [original]: changed.replace('type="post"', 'type="2fa"') });
  expect(await warning()).toContain('it has changed since it was copied');
});

test('a recorded input outside of the repository is not read', async () => {
  const place = 'primitives/process/shop';
  await using repo = await scaffoldRepo({ 'order.bpmn': ORDER });
  await scaffold(repo.root, { kind: 'process', name: 'shop', inputs: { bpmn: 'order.bpmn' } });
  await writeFile(join(repo.root, '../order.bpmn'), ORDER.replace('type="mail"', 'type="post"'));
  const manifest = await readFile(join(repo.root, place, 'primitive.yaml'), 'utf8');
  await repo.write({ [`${place}/primitive.yaml`]: manifest.replace('bpmn: order', 'bpmn: ../order') });
  const [primitive] = await primitivesIn(repo.root);
  expect(primitive && (await originalWarning(primitive, repo.root))).toBeUndefined();
  await rm(join(repo.root, place, 'bpmn/process.bpmn'));
  await expect(prepare(repo.root, { kind: 'process', name: 'shop' })).rejects.toMatchObject({
    code: 'input-invalid',
  });
});

test('names that primitive.yaml gives before the scaffold are used by it, by generate, and kept', async () => {
  const model = ORDER.replace('type="mail"', 'type="2fa-mail"').replace(
    'type="order.wrap"',
    'type="order.2"',
  );
  await using repo = await scaffoldRepo({ 'models/order.bpmn': model });
  const asked = { kind: 'process', name: 'shop', inputs: { bpmn: 'models/order.bpmn' } };
  await expect(prepare(repo.root, asked)).rejects.toMatchObject({
    code: 'bpmn-invalid',
    suggestions: expect.arrayContaining([
      'Name it in primitive.yaml, which can be written before the scaffold: bpmn: { names: { "2fa-mail": NameInGo } }',
    ]),
  });
  const manifest = 'primitives/process/shop/primitive.yaml';
  const own =
    'kind: process\nname: shop\n# Ours.\nbpmn:\n  names: { 2fa-mail: SendCode }\n  exclude: [order.2]\n';
  await repo.write({ [manifest]: own });
  await scaffold(repo.root, asked);
  expect(await readFile(join(repo.root, manifest), 'utf8')).toMatch(
    /^kind: process\nname: shop\n# Ours\.\nbpmn:[\s\S]*\ntemplate:\n/,
  );
  expect(
    await readFile(join(repo.root, 'primitives/process/shop/internal/handlers/handlers.go'), 'utf8'),
  ).toContain('func (h *Handlers) SendCode(');
  expect(changesOf(await run(repo.root, { check: true }))).toEqual([]);
});

test('a folder that a link leads out of the primitive is not written', async () => {
  await using repo = await scaffoldRepo({ 'elsewhere/keep.txt': 'mine\n' });
  await scaffold(repo.root, domain);
  await rm(join(repo.root, folder, 'gen'), { recursive: true });
  await symlink(join(repo.root, 'elsewhere'), join(repo.root, folder, 'gen'));
  const before = await contentOf(repo.root, ['.git']);
  await expect(run(repo.root)).rejects.toMatchObject({ code: 'generator-output', exit: 2 });
  expect(await contentOf(repo.root, ['.git'])).toEqual(before);
});

test('the version of a program that a primitive records is asked for, by generate and doctor, whatever its kind has', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, domain);
  const manifest = join(repo.root, folder, 'primitive.yaml');
  const text = await readFile(manifest, 'utf8');
  expect(text).toContain('    proto: 1.60.0\n');
  await writeFile(manifest, text.replace('    proto: 1.60.0\n', '    proto: 1.59.0\n'));
  await expect(run(repo.root, { check: true })).rejects.toMatchObject({
    code: 'generator-version',
    message: expect.stringContaining('1.59.0 is required'),
  });
  // Another program of that version, which says so and generates nothing.
  const bin = join(repo.root, '../buf-of-before');
  await mkdir(bin);
  await writeFile(join(bin, 'buf'), '#!/bin/sh\n[ "$1" != --version ] || echo 1.59.0\n', { mode: 0o755 });
  const path = [bin, PATH].join(delimiter);
  const changes = changesOf(await run(repo.root, { check: true, path }));
  expect(changes.length).toBeGreaterThan(0);
  expect(changes.every((change) => change.startsWith('removed gen/'))).toBe(true);
  await repo.commit({}, 'Record');
  for (const [programs, expected] of [
    [PATH, '1.59.0 is required'],
    [path, 'buf 1.59.0'],
  ] as const) {
    const { stdout } = await attempt(devCli, ['doctor', '--json'], {
      cwd: repo.root,
      env: { PATH: programs },
    });
    expect(stdout).toContain(expected);
  }
  await rm(bin, { recursive: true });
});
