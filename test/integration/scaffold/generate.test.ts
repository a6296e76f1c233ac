import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { bundledKinds, readKinds } from '../../../src/kinds/kind.ts';
import { type Generated, generate } from '../../../src/scaffold/generate.ts';
import { readOnDisk } from '../../../src/scaffold/on-disk.ts';
import { prepare, scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';
import { attempt } from '../../support/services/run.ts';
import { contentOf } from '../../support/tree.ts';
import { tool } from '../../tools/locate.ts';

const PATH = [dirname(tool('buf')), dirname(tool('go')), process.env.PATH].join(delimiter);
const domain = { kind: 'domain', name: 'orders' };
const folder = 'primitives/domain/orders';
const proto = `${folder}/proto/acme/domain/orders/v1/service.proto`;

async function run(root: string, { check = false, path = PATH } = {}): Promise<readonly Generated[]> {
  const [primitive] = await readOnDisk(root, await readKinds(bundledKinds()));
  if (primitive === undefined) throw new Error('nothing was scaffolded');
  const processes = createProcesses({ ...process.env, PATH: path });
  const { signal } = new AbortController();
  return generate(primitive, { root, processes, path, platform: process.platform, signal, check });
}

const changesOf = (generated: readonly Generated[]) =>
  generated.flatMap(({ changes }) => changes.map(({ path, change }) => `${change} ${path}`));

test('a fresh scaffold is as generated; a change of the proto is seen, made, and left alone by scaffold', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, domain);
  expect(await run(repo.root, { check: true })).toEqual([
    { kind: 'domain', name: 'orders', generator: 'proto', changes: [] },
  ]);

  await appendFile(join(repo.root, proto), '\nmessage Added {\n  string value = 1;\n}\n');
  await writeFile(join(repo.root, folder, 'internal/gen/stale.pb.go'), 'package gen\n');
  const expected = [
    'changed internal/gen/acme/domain/orders/v1/service.pb.go',
    'removed internal/gen/stale.pb.go',
  ];
  const before = await contentOf(repo.root, ['.git']);
  expect(changesOf(await run(repo.root, { check: true }))).toEqual(expected);
  expect(await contentOf(repo.root, ['.git'])).toEqual(before);

  expect(changesOf(await run(repo.root))).toEqual(expected);
  expect(
    await readFile(join(repo.root, folder, 'internal/gen/acme/domain/orders/v1/service.pb.go'), 'utf8'),
  ).toContain('type Added struct');
  expect(changesOf(await run(repo.root, { check: true }))).toEqual([]);

  const { plan } = await prepare(repo.root, domain);
  const stub = plan.files.find(({ path }) => path.endsWith('service.pb.go'));
  expect([stub?.fate, stub?.reason]).toEqual(['kept', 'generator-input-edited']);
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
  });
  expect(await contentOf(repo.root, ['.git'])).toEqual(before);
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
    message: expect.stringContaining('is 9.9.9, 1.60.0 is needed'),
    suggestions: install,
  });
});

test('a program that nobody knows is not run', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root);
  const kinds = await readKinds(join(repo.root, 'node_modules/@acme/kinds/kinds'));
  const [widget] = await readOnDisk(repo.root, kinds);
  if (widget === undefined) throw new Error('nothing was scaffolded');
  const processes = createProcesses(process.env);
  const { signal } = new AbortController();
  const context = {
    root: repo.root,
    processes,
    path: PATH,
    platform: process.platform,
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
    'created internal/gen/acme/billing/v1/api.pb.go',
    'created internal/gen/acme/billing/v1/api_grpc.pb.go',
  ]);
  const vet = await attempt(tool('go'), ['vet', './...'], {
    cwd: join(repo.root, 'primitives/domain/billing'),
    env: { GOWORK: 'off' },
  });
  expect(vet).toEqual({ code: 0, stdout: '', stderr: '' });
  const again = await prepare(repo.root, { kind: 'domain', name: 'billing' });
  expect(new Set(again.plan.files.map(({ fate }) => fate))).toEqual(new Set(['unchanged']));
});
