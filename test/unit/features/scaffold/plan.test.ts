import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/core/digest.ts';
import type { Existing, Site } from '../../../../src/features/scaffold/facts.ts';
import { planScaffold, refuseConflicts } from '../../../../src/features/scaffold/plan.ts';
import type { ScaffoldFacts, ScaffoldPlan } from '../../../../src/features/scaffold/planned.ts';
import type { Kind } from '../../../../src/kinds/kind.ts';
import type { Owner, RenderedFile } from '../../../../src/kinds/render.ts';
import { readManifest } from '../../../../src/repository/provenance.ts';

const kind: Kind = {
  schema: 'primitive.kind/v1',
  kind: 'widget',
  version: 2,
  language: 'go',
  names: { pattern: '.*' },
  files: [
    { path: 'gen/**', owner: 'generated', by: 'model' },
    { path: 'Dockerfile', owner: 'config' },
    { path: '**', owner: 'impl' },
  ],
  generators: [{ id: 'model', run: 'm', version: '1', reads: ['model.txt'], writes: 'gen' }],
  build: { context: '.', dockerfile: 'Dockerfile' },
  run: { port: 8080, live: '/livez', ready: '/readyz', drainSeconds: 1 },
  folder: '/kinds/widget',
  source: 'kinds/',
};

/** What the template makes today: the content is `<path> new`. */
const rendered = new Map<string, RenderedFile>(
  (
    [
      ['Dockerfile', 'config'],
      ['gen/model.go', 'generated'],
      ['main.go', 'impl'],
      ['model.txt', 'impl'],
    ] satisfies [string, Owner][]
  ).map(([path, owner]) => [path, { bytes: bytes(`${path} new`), mode: '100644', owner }]),
);

const NOTHING_MOVED = { moved: new Map(), ejected: [], templates: new Map(), origin: undefined };

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function file(text: string): Existing {
  return { type: 'file', digest: digestOf(bytes(text)), size: text.length };
}

/** Plans a primitive that has `files` on disk and was scaffolded as `recorded`. */
async function plan(
  files: Readonly<Record<string, Existing>>,
  recorded?: Readonly<Record<string, string>>,
  unmanaged: readonly string[] = [],
  restore = false,
  update: Pick<ScaffoldFacts, 'update' | 'edited'> = { update: false, edited: new Map() },
): Promise<ScaffoldPlan> {
  const lines = Object.entries(recorded ?? {}).map(
    ([path, text]) => `    ${path}: ${digestOf(bytes(text))}\n`,
  );
  const text = `kind: widget\nname: a\ntemplate:\n  version: 1\n  files: ${lines.length === 0 ? '{}\n' : `\n${lines.join('')}`}`;
  const manifest = recorded === undefined ? undefined : await readManifest(text, 'primitive.yaml');
  const site: Site = {
    root: '/r',
    path: 'primitives/widget/a',
    state: 'occupied',
    manifest,
    others: [],
  };
  const existing = new Map(Object.entries(files));
  if (manifest !== undefined) existing.set('primitive.yaml', file(text));
  const facts = {
    ...NOTHING_MOVED,
    kind,
    name: 'a',
    inputs: {},
    rendered,
    site,
    existing,
    unmanaged,
    restore,
  };
  return planScaffold({ ...facts, ...update }).plan;
}

function actions({ files }: ScaffoldPlan): Record<string, string> {
  return Object.fromEntries(
    files.map(({ path, action, reason }) => [path, reason === undefined ? action : `${action}: ${reason}`]),
  );
}

const old = {
  Dockerfile: 'Dockerfile old',
  'gen/model.go': 'gen/model.go old',
  'main.go': 'main.go old',
  'model.txt': 'model.txt old',
};
const current = Object.fromEntries([...rendered.keys()].map((path) => [path, `${path} new`]));
const onDisk = (texts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, file(text)]));

describe('the action of a file', () => {
  test('of a new primitive: created, with the record', async () => {
    expect(actions(await plan({}))).toEqual({
      Dockerfile: 'create',
      'gen/model.go': 'create',
      'main.go': 'create',
      'model.txt': 'create',
      'primitive.yaml': 'create',
    });
  });

  test.each([
    ['nothing happened', current, current, 'main.go', 'unchanged'],
    ['a person edited it', { ...current, 'main.go': 'mine' }, current, 'main.go', 'keep: edited'],
    ['the template changed', old, old, 'main.go', 'keep: template-changed'],
    ['both', { ...old, 'main.go': 'mine' }, old, 'main.go', 'keep: edited-and-template-changed'],
    ['a person edited it to what the template makes now', current, old, 'main.go', 'unchanged'],
    ['nothing is recorded of it', { ...current, 'main.go': 'mine' }, {}, 'main.go', 'keep: unrecorded'],
    ['config is kept as code is', { ...current, Dockerfile: 'mine' }, current, 'Dockerfile', 'keep: edited'],
    [
      'a person edited what is ours',
      { ...current, 'gen/model.go': 'mine' },
      current,
      'gen/model.go',
      'update',
    ],
    [
      'it was generated from what a person edited',
      { ...current, 'gen/model.go': 'theirs', 'model.txt': 'mine' },
      current,
      'gen/model.go',
      'keep: generator-input-edited',
    ],
    [
      'it is not written any more',
      { ...current, 'gone.go': 'x' },
      { ...current, 'gone.go': 'x' },
      'gone.go',
      'keep: left-over',
    ],
    [
      'it is neither written nor there any more',
      current,
      { ...current, 'gone.go': 'x' },
      'gone.go',
      undefined,
    ],
  ] as const)('%s', async (_, disk, recorded, path, action) => {
    expect(actions(await plan(onDisk(disk), recorded))[path]).toBe(action);
  });

  const withUpdate = (edited: ScaffoldFacts['edited'] = new Map()) => ({ update: true, edited });

  test.each([
    ['not edited', old, undefined, 'update'],
    ['edited', { ...old, 'main.go': 'mine' }, { text: 'mine', base: 'main.go old' }, 'merge'],
    [
      'edited, of unknown origin',
      { ...old, 'main.go': 'mine' },
      { text: 'mine', base: undefined },
      'keep: base-missing',
    ],
    ['edited, and no text', { ...old, 'main.go': 'mine' }, undefined, 'keep: edited-and-template-changed'],
  ] as const)('in an update, if it is %s', async (_, disk, edited, action) => {
    const made = await plan(
      onDisk(disk),
      old,
      [],
      false,
      withUpdate(new Map(edited === undefined ? [] : [['main.go', edited]])),
    );
    expect(actions(made)['main.go']).toBe(action);
    expect(made.template.recorded).toBe(action.startsWith('keep') ? 1 : 2);
  });

  test('in an update, if only its owner changed it: kept, and of the new version', async () => {
    const made = await plan(onDisk({ ...current, 'main.go': 'mine' }), current, [], false, withUpdate());
    expect([actions(made)['main.go'], made.template.recorded]).toEqual(['keep: edited', 2]);
  });

  test('what its owner deleted stays away, and comes back when asked for', async () => {
    const { 'main.go': _, ...rest } = current;
    expect(actions(await plan(onDisk(rest), current))['main.go']).toBe('skip: was-deleted');
    expect(actions(await plan(onDisk(rest), current, [], true))['main.go']).toBe('create: was-deleted');
  });

  test('what is ours comes back, unless what it is made from was deleted', async () => {
    const { 'gen/model.go': _, ...rest } = current;
    expect(actions(await plan(onDisk(rest), current))['gen/model.go']).toBe('create: was-deleted');
    const { 'model.txt': __, ...less } = rest;
    expect(actions(await plan(onDisk(less), current))['gen/model.go']).toBe('skip: generator-input-edited');
  });

  test('something else of its name is a conflict', async () => {
    const blocked = { ...onDisk(current), 'main.go': { type: 'blocked', by: 'main.go' } as const };
    expect(actions(await plan(blocked, current))['main.go']).toBe('conflict: blocked');
  });

  test('what was there before anything was scaffolded is a conflict', async () => {
    const made = await plan(onDisk({ 'main.go': 'main.go new' }), undefined, ['main.go', 'notes']);
    expect(actions(made)).toMatchObject({ 'main.go': 'conflict: unmanaged', Dockerfile: 'create' });
    expect(() => refuseConflicts(made)).toThrow('primitives/widget/a has files that scaffold did not write.');
  });
});

test('a kept file says its own size besides that of the template', async () => {
  const { files } = await plan({ ...onDisk(current), 'main.go': file('mine') }, current);
  const kept = files.find(({ path }) => path === 'main.go');
  expect([kept?.action, kept?.size, kept?.existingSize]).toEqual(['keep', 'main.go new'.length, 4]);
});

test('the next steps are commands that work beside other primitives', async () => {
  const { next, kind: made, name } = await plan({});
  expect(next.at(-1)).toBe('primitive publish --dry-run');
  expect(next.at(-2)).toContain(`'Scaffold ${made}/${name}'`);
});

test('the record of a kept and of a deleted file stays that of what was written', async () => {
  const { Dockerfile: _, ...disk } = { ...old, 'main.go': 'mine' };
  const { plan: made, contents } = planScaffold({
    ...(await factsOf(disk)),
  });
  const record = made.files.find(({ path }) => path === 'primitive.yaml');
  const text = new TextDecoder().decode(contents.get(record?.digest ?? 'sha256:'));
  const { provenance } = await readManifest(text, 'primitive.yaml');
  // Not 2: what the template changed in them is not there.
  expect([provenance?.version, made.template]).toEqual([
    1,
    { version: 2, recorded: 1, from: 1, behind: ['gen/model.go', 'main.go', 'model.txt'] },
  ]);
  expect(Object.fromEntries(provenance?.files ?? [])).toEqual({
    Dockerfile: digestOf(bytes('Dockerfile old')),
    // Its input is kept as the older template made it: nothing says what it should be generated to.
    'gen/model.go': digestOf(bytes('gen/model.go old')),
    'main.go': digestOf(bytes('main.go old')),
    'model.txt': digestOf(bytes('model.txt old')),
  });
});

async function factsOf(disk: Readonly<Record<string, string>>) {
  const lines = Object.entries(old).map(([path, text]) => `    ${path}: ${digestOf(bytes(text))}\n`);
  const text = `kind: widget\nname: a\ntemplate:\n  version: 1\n  files:\n${lines.join('')}`;
  const site: Site = {
    root: '/r',
    path: 'primitives/widget/a',
    state: 'occupied',
    manifest: await readManifest(text, 'primitive.yaml'),
    others: [],
  };
  const existing = new Map([...Object.entries(onDisk(disk)), ['primitive.yaml', file(text)] as const]);
  return {
    ...NOTHING_MOVED,
    kind,
    name: 'a',
    inputs: {},
    rendered,
    site,
    existing,
    unmanaged: [],
    restore: false,
    update: false,
    edited: new Map(),
  };
}

test('a plan is plain data, the same for any order of the files', async () => {
  const facts = await factsOf(current);
  const other = { ...facts, rendered: new Map([...rendered].reverse()) };
  const [one, two] = await Promise.all([planScaffold(facts), planScaffold(other)]);
  expect(JSON.stringify(one.plan)).toBe(JSON.stringify(two.plan));
  expect(JSON.parse(JSON.stringify(one.plan))).toEqual(one.plan);
});
