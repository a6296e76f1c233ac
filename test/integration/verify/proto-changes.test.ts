import { execFileSync } from 'node:child_process';
import { mkdir, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { compareProto } from '../../../src/features/generate/breaking.ts';
import { gitEnvironment } from '../../support/git.ts';
import { verifyRepository } from '../../support/verify-repository.ts';
import { tool } from '../../tools/locate.ts';

const ORDERS = 'primitives/domain/orders';
const FILE = `${ORDERS}/proto/acme/domain/orders/v1/orders.proto`;
const proto = (...lines: readonly string[]) =>
  `syntax = "proto3";\npackage acme.domain.orders.v1;\n${lines.join('\n')}\n`;
const EVENT = proto('message OrderPlaced {', '  string title = 1;', '  int64 version = 2;', '}');

type Files = Readonly<Record<string, string | undefined>>;

/** A repository in which things were committed to main, and what verify says after a change on a branch. */
async function open() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'proto-changes-'));
  const root = join(folder.path, 'repository');
  const git = (...args: readonly string[]) =>
    execFileSync('git', args, { cwd: root, env: gitEnvironment, encoding: 'utf8' }).trim();
  const write = async (files: Files) => {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      if (text === undefined) await rm(join(root, path), { recursive: true });
      else await writeFile(join(root, path), text);
    }
  };
  const commit = async (files: Files) => {
    await write(files);
    git('add', '--all');
    git('commit', '--quiet', '--message', 'Change');
    return git('rev-parse', 'HEAD');
  };
  await mkdir(root, { recursive: true });
  git('init', '--quiet', '--initial-branch', 'main');
  await write({
    'primitive.config.yaml': 'registry: ghcr.io/acme\n',
    [`${ORDERS}/primitive.yaml`]: 'kind: domain\nname: orders\n',
    [`${ORDERS}/buf.gen.yaml`]: 'version: v2\nplugins: []\n',
  });
  const processes = createProcesses({ ...gitEnvironment, HOME: folder.path });
  const compare = compareProto({
    workspace: async () => ({
      location: { path: join(root, 'primitive.config.yaml'), root, repositoryRoot: root, found: 'nearest' },
    }),
    repositoryProcesses: async () => processes,
    variables: { PATH: [dirname(tool('buf')), process.env.PATH].join(delimiter) },
    programs: { skipped: [] },
    platform: process.platform,
    temporary: folder.path,
    signal: new AbortController().signal,
  });
  const verify = async (request: Parameters<typeof verifyRepository>[1] = {}, release?: string) => {
    const released = async () => (release === undefined ? { why: 'there is none' } : { commit: release });
    const { document, account } = await verifyRepository(
      root,
      { families: ['GEN'], ...request },
      { compareProto: compare, released },
    );
    return {
      found: document.findings.map(({ rule, path, line, message }) => `${rule} ${path}:${line} ${message}`),
      unchecked: document.unchecked.filter(({ what }) => what.startsWith('GEN-')),
      compared: document.compared,
      entry: account.get(FILE),
      verdict: document.verdict,
    };
  };
  return { root, git, write, commit, verify, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const RENAMED = EVENT.replace('title', 'heading').replace('int64', 'int32');
const FOUND = [
  `GEN-007 ${FILE}:4 Field "1" with name "heading" on message "OrderPlaced" changed option "json_name" from "title" to "heading".`,
  `GEN-007 ${FILE}:4 Field "1" on message "OrderPlaced" changed name from "title" to "heading".`,
  `GEN-007 ${FILE}:5 Field "2" with name "version" on message "OrderPlaced" changed type from "int64" to "int32".`,
];

describe('proto files are compared with what consumers were made for', () => {
  let lab: Awaited<ReturnType<typeof open>>;
  let released: string;
  let merged: string;
  beforeAll(async () => {
    lab = await open();
    released = await lab.commit({ [FILE]: EVENT });
    merged = await lab.commit({ [FILE]: EVENT.replace('}\n', '  string note = 3;\n}\n') });
    lab.git('switch', '--quiet', '--create', 'topic');
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  test('a renamed and a retyped field fail, with the merge base where there is no release', async () => {
    await lab.write({ [FILE]: RENAMED });
    const { found, compared, entry, verdict } = await lab.verify();
    expect(found.filter((one) => FOUND.some((text) => one.startsWith(text)))).toEqual(
      FOUND.map((text) => expect.stringContaining(text)),
    );
    expect(found).toContainEqual(expect.stringContaining('field "3" with name "note"'));
    expect(compared).toEqual([
      {
        path: `${ORDERS}/proto`,
        files: 1,
        with: 'merge base with main',
        commit: merged,
        why: 'there is none',
      },
    ]);
    expect({ entry, verdict }).toEqual({ entry: { checked: ['GEN'] }, verdict: 'failed' });
  });

  test('what was merged after the release may change until the next one', async () => {
    await lab.write({ [FILE]: EVENT.replace('}\n', '  string remark = 3;\n}\n') });
    const { found, compared, unchecked } = await lab.verify({}, released);
    expect({ found, unchecked }).toEqual({ found: [], unchecked: [] });
    expect(compared).toMatchObject([{ with: 'release main', commit: released, why: null }]);
    expect((await lab.verify()).found).not.toEqual([]);
  });

  test('a release of a later commit than this branch has is compared where they parted', async () => {
    lab.git('switch', '--quiet', '--force', '--detach', released);
    const { found, compared } = await lab.verify({}, merged);
    lab.git('switch', '--quiet', '--force', 'topic');
    expect(found).toEqual([]);
    expect(compared).toMatchObject([{ with: 'release main', commit: released }]);
  });

  test('a release that this clone does not have', async () => {
    await lab.write({ [FILE]: EVENT });
    const { compared } = await lab.verify({}, 'f'.repeat(40));
    expect(compared).toMatchObject([
      { with: 'merge base with main', why: 'commit ffffffffffff of it is not in this clone' },
    ]);
  });

  test('the revision that was given counts as the base', async () => {
    await lab.write({ [FILE]: RENAMED });
    const { compared } = await lab.verify({ changedSince: 'HEAD~1' });
    expect(compared).toMatchObject([{ with: 'merge base with HEAD~1', commit: released }]);
  });

  test('deleted files are a break, and a file that is only moved is none', async () => {
    await lab.write({ [FILE]: undefined });
    expect((await lab.verify({}, released)).found).toEqual([
      `GEN-007 ${ORDERS}:undefined All proto files of ${ORDERS}/proto were deleted.`,
    ]);
    await lab.write({ [`${dirname(FILE)}/events.proto`]: EVENT });
    expect((await lab.verify({}, released)).found).toEqual([]);
    await lab.write({ [`${dirname(FILE)}/events.proto`]: undefined, [FILE]: EVENT });
  });

  test('settings of the checkout change nothing, and its plugins are not started', async () => {
    await lab.write({
      [FILE]: RENAMED,
      [`${ORDERS}/buf.yaml`]:
        'version: v2\nmodules: [{ path: proto }]\nplugins: [{ plugin: ./evil }]\nbreaking: { ignore: [proto] }\n',
    });
    expect((await lab.verify({}, released)).found).toEqual(FOUND.map((one) => expect.stringContaining(one)));
    await lab.write({ [`${ORDERS}/buf.yaml`]: undefined });
  });

  test('what does not compile', async () => {
    await lab.write({ [FILE]: 'syntax' });
    const { found } = await lab.verify({}, released);
    expect(found).toEqual([expect.stringContaining('buf cannot compare the proto files')]);
    await lab.write({ [FILE]: EVENT });
  });
});

test('settings that were released count, but JSON stays readable', async () => {
  await using lab = await open();
  const settings =
    'version: v2\nmodules: [{ path: proto }]\nbreaking: { use: [WIRE], except: [FIELD_SAME_TYPE] }\n';
  await lab.commit({ [FILE]: EVENT, [`${ORDERS}/buf.yaml`]: settings });
  await lab.write({
    [FILE]: proto('message OrderPlaced {', '  string heading = 1;', '  int64 version = 2;', '}'),
  });
  expect((await lab.verify()).found).toEqual([
    expect.stringContaining('changed option "json_name"'),
    expect.stringContaining('changed name from "title"'),
  ]);
});

test('without a commit nothing is compared, and without a base it is said', async () => {
  await using lab = await open();
  await lab.write({ [FILE]: EVENT });
  expect(await lab.verify()).toMatchObject({ found: [], unchecked: [], compared: [] });
  await lab.commit({});
  lab.git('branch', '--move', 'elsewhere');
  expect(await lab.verify()).toMatchObject({
    compared: [],
    verdict: 'partial',
    unchecked: [
      {
        what: `GEN-007 of ${ORDERS}/proto`,
        why: 'release main: there is none; branch main is not in this clone either',
      },
    ],
  });
});

test('earlier files that do not compile are not compared', async () => {
  await using lab = await open();
  await lab.commit({ [FILE]: 'syntax' });
  await lab.write({ [FILE]: EVENT });
  expect(await lab.verify()).toMatchObject({
    found: [],
    verdict: 'partial',
    unchecked: [{ why: 'the proto files of the merge base with main do not compile' }],
  });
});

test('a proto file outside of the primitive that serves it', async () => {
  await using lab = await open();
  const file = 'proto/acme/domain/orders/v1/orders.proto';
  const manifest = `kind: domain\nname: orders\ntemplate:\n  version: 1\n  inputs: { service: ${file} }\n  files: ""\n`;
  await lab.commit({ [file]: EVENT, [`${ORDERS}/primitive.yaml`]: manifest });
  await lab.write({ [file]: RENAMED });
  const { found, compared } = await lab.verify();
  expect(found).toEqual(FOUND.map((one) => expect.stringContaining(one.replace(FILE, file))));
  expect(compared).toMatchObject([{ path: 'proto', files: 1 }]);
});

test('options of events are compared, too', async () => {
  await using lab = await open();
  const options = `${dirname(dirname(dirname(dirname(dirname(FILE)))))}/primitive/events/v1/events.proto`;
  const template = 'templates/kinds/domain/files/proto/primitive/events/v1/events.proto.eta';
  const text = await readFile(join(import.meta.dirname, '../../..', template), 'utf8');
  const events = `syntax = "proto3";
package acme.domain.orders.v1;
import "primitive/events/v1/events.proto";
message Placed {
  option (primitive.events.v1.event) = {};
  string title = 1 [(primitive.events.v1.required) = true];
}
message Paid { option (primitive.events.v1.event) = { type: "acme.paid" }; string title = 1; }
`;
  await lab.commit({ [options]: text.replace(/^<%.*%>\n/gm, ''), [FILE]: events });
  expect((await lab.verify()).found).toEqual([]);
  await lab.write({
    [FILE]: events
      .replace('  option (primitive.events.v1.event) = {};\n', '')
      .replace(' [(primitive.events.v1.required) = true]', '')
      .replace(
        'message Paid',
        'message Settled { option (primitive.events.v1.event) = { type: "acme.paid" }; }\nmessage Paid',
      )
      .replace('{ type: "acme.paid" }; string', '{}; string'),
  });
  expect((await lab.verify()).found).toEqual([
    `GEN-007 ${FILE}:undefined Event acme.domain.orders.v1.Placed is not declared any more.`,
    `GEN-007 ${FILE}:undefined Event acme.paid is acme.domain.orders.v1.Settled, and was acme.domain.orders.v1.Paid.`,
  ]);
  await lab.write({ [FILE]: events.replace(' [(primitive.events.v1.required) = true]', '') });
  expect((await lab.verify()).found).toEqual([
    `GEN-007 ${FILE}:undefined Field "title" on message "acme.domain.orders.v1.Placed" is not required in events any more.`,
  ]);
});
