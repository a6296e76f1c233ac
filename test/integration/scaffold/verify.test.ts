import { describe, expect, test } from 'vitest';
import { FAMILIES } from '../../../src/features/verify/family.ts';
import { rules } from '../../../src/features/verify/rules/all.ts';
import { goldenTree, scaffoldedKinds } from '../../support/goldens.ts';
import { referenceTree } from '../../support/references.ts';
import { prepare, scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';
import { verifyFiles } from '../../support/verify-corpus/run.ts';
import type { Files } from '../../support/verify-corpus/tree.ts';

const CONFIG = `registry: ghcr.io/acme
languages: { go: { module: github.com/acme/app }, ts: { scope: "@acme" }, python: { prefix: acme }, proto: { package: acme } }
`;

function placed(kind: string, files: Files): Files {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [`primitives/${kind}/orders/${path}`, content]),
  );
}

/** Everything that is found without running suites and generators. */
async function findingsOf(files: Files): Promise<readonly string[]> {
  const found: string[] = [];
  for (const family of FAMILIES.filter((one) => one !== 'TEST' && one !== 'INT')) {
    const findings = await verifyFiles({ 'primitive.config.yaml': CONFIG, ...files }, family, rules);
    found.push(...findings.map(({ rule, path, line, message }) => `${rule} ${path}:${line} ${message}`));
  }
  return found;
}

describe.each(await scaffoldedKinds())('%s', (kind) => {
  test('a fresh scaffold has the findings of its stubs and no other; implemented it has none', async () => {
    const tree = await goldenTree(kind);
    const fresh = Object.fromEntries(Object.entries(tree).map(([path, content]) => [path, content.slice(2)]));
    const stubs = Object.values(fresh).join('').split('AMEIDE_SCAFFOLD').length - 1;
    const found = await findingsOf(placed(kind, fresh));
    expect(stubs).toBeGreaterThan(0);
    expect(found.filter((line) => !line.startsWith('MARK-001 '))).toEqual([]);
    expect(found).toHaveLength(stubs);
    expect(await findingsOf(placed(kind, { ...fresh, ...(await referenceTree(kind)) }))).toEqual([]);
  });
});

test('primitives with a client of their source have the findings of their stubs and no other', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, { kind: 'domain', name: 'sales', inputs: { entity: 'order' } });
  const files: Record<string, string> = {};
  for (const kind of ['agent', 'integration', 'process', 'projection', 'uisurface']) {
    const named = { kind, name: 'orders', inputs: { source: 'domain/sales' } };
    const { plan, contents } = await prepare(repo.root, named);
    for (const { path, digest } of plan.files)
      files[`primitives/${kind}/orders/${path}`] = new TextDecoder().decode(contents.get(digest));
  }
  const found = await findingsOf(files);
  expect(found.filter((line) => !line.startsWith('MARK-001 '))).toEqual([]);
  expect(found).toHaveLength(Object.values(files).join('').split('AMEIDE_SCAFFOLD').length - 1);
});
