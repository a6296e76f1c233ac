import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Digest } from '../../../src/core/digest.ts';
import { OWN_PACKAGE } from '../../../src/core/package.ts';
import { advisoriesOf, judgeAdvisories } from '../../../src/kinds/advisories.ts';
import { bundledKinds, type Kind, OWN_KINDS, openKinds } from '../../../src/kinds/kind.ts';
import { digestsOfKind } from '../../../src/kinds/template.ts';
import type { TemplateOrigin, TemplateRecord } from '../../../src/repository/provenance.ts';

const kinds = await openKinds({ [OWN_KINDS]: bundledKinds() });
const OTHER: Digest = `sha256:${'ab'.repeat(32)}`;

async function kindNamed(name: string): Promise<Kind> {
  const kind = await kinds.get(name);
  if (kind === undefined) throw new Error(`no kind ${name}`);
  return kind;
}

/** States of the advisories of a primitive that has that template file, and all others as they are now. */
async function states(kind: Kind, path: string, digest: Digest, origins: readonly TemplateOrigin[] = []) {
  const sources = new Map(await digestsOfKind(kind)).set(path, digest);
  const provenance: TemplateRecord = { version: 1, inputs: {}, files: new Map(), sources, origins };
  return (await judgeAdvisories(kind, provenance)).map(({ id, state }) => [id, state]);
}

describe.each([
  ['uisurface', 'PRIMITIVE-2026-001', 'src/requests.ts', 5, 'moved'],
  ['projection', 'PRIMITIVE-2026-002', 'cmd/server/main.go.eta', 7],
  ['domain', 'PRIMITIVE-2026-003', 'internal/platform/credentials/callers.go', 2],
  ['domain', 'PRIMITIVE-2026-003', 'internal/platform/rpc/interceptors.go', 2],
  ['projection', 'PRIMITIVE-2026-004', 'internal/platform/credentials/callers.go', 2],
  ['projection', 'PRIMITIVE-2026-004', 'internal/ingest/ingest.go.eta', 2],
  ['process', 'PRIMITIVE-2026-005', 'internal/platform/credentials/callers.go', 2],
  ['process', 'PRIMITIVE-2026-005', 'internal/messages/events.go.eta', 3],
  ['agent', 'PRIMITIVE-2026-006', 'src/[python]/accepted.py', 1, 'moved'],
  ['agent', 'PRIMITIVE-2026-006', 'src/[python]/requests.py', 1, 'moved'],
  ['uisurface', 'PRIMITIVE-2026-007', 'src/proxy.ts', 1, 'moved'],
] as const)('an advisory of %s: %s, %s', (name, id, path, count, moved?: 'moved') => {
  test('names what was scaffolded before the correction, and nothing since', async () => {
    const kind = await kindNamed(name);
    const advisory = (await advisoriesOf(kind)).find((one) => one.id === id);
    const file = advisory?.files.find((one) => one.path === path);
    expect(file?.affected).toHaveLength(count);
    const now = (await digestsOfKind(kind)).get(path);
    // What has moved was correct before.
    expect(now === undefined).toBe(moved !== undefined);
    expect(file?.affected).not.toContain(now);
    expect(file?.affected).not.toContain(file?.fixed);
    for (const digest of file?.affected ?? [])
      expect(await states(kind, path, digest, [{ package: OWN_PACKAGE, version: '9.0.0' }])).toEqual([
        [id, 'affected'],
      ]);
    if (now !== undefined) expect(await states(kind, path, now)).toEqual([]);
    expect(await states(kind, 'of-another-template', OTHER)).toEqual([]);
    expect(await states(kind, path, file?.fixed ?? OTHER)).toEqual([]);
  });

  test.each([
    ['a later version', [{ package: OWN_PACKAGE, version: '0.1.0' }], []],
    ['no version', [], [[id, 'unknown']]],
    ['an earlier version', [{ package: OWN_PACKAGE, version: '0.0.9' }], [[id, 'unknown']]],
    ['another package', [{ package: '@acme/kinds', version: '1.0.0' }], [[id, 'unknown']]],
    [
      'an earlier version beside a later one',
      [
        { package: OWN_PACKAGE, version: '1.0.0' },
        { package: OWN_PACKAGE, version: '0.0.9' },
      ],
      [[id, 'unknown']],
    ],
  ])('judges a file that nobody lists, of %s', async (_, origins, expected) => {
    expect(await states(await kindNamed(name), path, OTHER, origins)).toEqual(expected);
  });
});

test.each(['domain', 'projection', 'process'])(
  '%s: callers of before shared code are affected',
  async (name) => {
    const kind = await kindNamed(name);
    const path = 'internal/credentials/callers.go.eta';
    const found = (await advisoriesOf(kind)).flatMap(({ id, files }) =>
      files.flatMap((file) => (file.path === path ? [{ id, affected: file.affected ?? [] }] : [])),
    );
    expect(found).toHaveLength(1);
    for (const { id, affected } of found)
      for (const digest of affected) expect(await states(kind, path, digest)).toEqual([[id, 'affected']]);
  },
);

test('advisories name kinds and files that there are', async () => {
  const text = await import('node:fs/promises').then(({ readFile }) =>
    readFile(join(bundledKinds(), 'advisories.json'), 'utf8'),
  );
  for (const { kind } of JSON.parse(text).advisories) expect(kinds.names).toContain(kind);
});
