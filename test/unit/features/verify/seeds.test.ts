import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { optional } from '../../../../src/core/object.ts';
import { familyOf } from '../../../../src/features/verify/family.ts';
import { rules } from '../../../../src/features/verify/rules/all.ts';
import { createStyle } from '../../../../src/render/style.ts';
import { table } from '../../../../src/render/table.ts';
import { filesOf } from '../../../support/verify-corpus/case.ts';
import { generated } from '../../../support/verify-corpus/generated.ts';
import { markers } from '../../../support/verify-corpus/markers.ts';
import { models } from '../../../support/verify-corpus/models.ts';
import { verifyDocument } from '../../../support/verify-corpus/run.ts';
import { shape } from '../../../support/verify-corpus/shape.ts';
import { suites } from '../../../support/verify-corpus/suites.ts';
import type { Files } from '../../../support/verify-corpus/tree.ts';
import { accountSeeds } from '../../../support/verify-seeds/account.ts';
import { importSeeds } from '../../../support/verify-seeds/imports.ts';
import { secretSeeds } from '../../../support/verify-seeds/secrets.ts';
import type { Outcome, Seed } from '../../../support/verify-seeds/seed.ts';

/** The violations of the corpora of rules but for those of secrets and imports, of which there are more here. */
const ruleSeeds = [generated, markers, models, shape, suites].flatMap((corpus) =>
  corpus.cases
    .filter(({ finds }) => finds !== undefined)
    .map((one): Seed => {
      const family = familyOf(one.rule);
      const name = `${one.rule}, ${one.language}: ${one.name}`;
      return {
        group: `rules: ${family}`,
        name,
        families: [family],
        base: {},
        files: filesOf(corpus, one),
        one,
      };
    }),
);
const SEEDS: readonly Seed[] = [...secretSeeds, ...importSeeds, ...accountSeeds, ...ruleSeeds];

/** Findings, and lines of what was not checked; of the clean repository once. */
async function reportOf({ base, one, families, mode, tests }: Omit<Seed, 'files'>, files: Files) {
  const own = { ...optional('mode', mode), ...optional('tests', tests), families };
  const document = await verifyDocument({ ...base, ...files }, families[0] ?? 'INT', rules, one ?? own);
  const { findings, unchecked } = document;
  const lines = unchecked
    .filter(({ why }) => !why.startsWith('--'))
    .map(({ what, why }) => `${what}: ${why}`);
  return { findings, lines };
}
const clean = new Map<string, ReturnType<typeof reportOf>>();
function cleanOf(seed: Seed): ReturnType<typeof reportOf> {
  const key = `${seed.group.replace(/:.*/, '')} ${seed.mode}`;
  const report = clean.get(key) ?? reportOf(seed, {});
  clean.set(key, report);
  return report;
}

/** What verify says of a seed besides what it says of the clean repository. */
async function outcomeOf(seed: Seed): Promise<Outcome> {
  const { findings, lines } = await reportOf(seed, seed.files);
  if (findings.some(({ level }) => level === 'error')) return 'caught';
  if (findings.length > 0) return 'said';
  const before = seed.one === undefined ? (await cleanOf(seed)).lines : lines;
  return lines.some((line) => !before.includes(line)) ? 'said' : 'silent';
}

describe('seeds', () => {
  const outcomes = new Map<string, Outcome[]>();
  afterAll(() => {
    const row = (group: string, all: readonly Outcome[]) => {
      const count = (one: Outcome) => String(all.filter((outcome) => outcome === one).length);
      return [group, String(all.length), count('caught'), count('said'), count('silent')];
    };
    const rows = [...outcomes].map(([group, all]) => row(group, all));
    const all = row('all', [...outcomes.values()].flat());
    process.stdout.write(
      `${table([['seeds', '', 'caught', 'said', 'silent'], ...rows, all], createStyle(false))}\n`,
    );
  });

  test.each(SEEDS.map((seed) => [seed.group, seed.name, seed] as const))('%s: %s', async (group, _, seed) => {
    const outcome = await outcomeOf(seed);
    outcomes.set(group, [...(outcomes.get(group) ?? []), outcome]);
    if (seed.limit === undefined) expect(outcome).not.toBe('silent');
    // What is found after all is no limit any more.
    else expect([outcome, seed.limit]).toEqual(['silent', seed.limit]);
  });

  test.each([
    ...Map.groupBy(
      SEEDS.filter(({ one }) => one === undefined),
      ({ group }) => group,
    ),
  ])('nothing is wrong before: %s', async (_, [seed]) => {
    if (seed !== undefined) expect((await cleanOf(seed)).findings).toEqual([]);
  });

  test('each limit is in the documentation', async () => {
    const text = (await readFile('docs/verify.md', 'utf8')).replace(/\s+/g, ' ');
    const limits = new Set(SEEDS.flatMap(({ limit }) => limit ?? []));
    expect([...limits].filter((limit) => !text.includes(limit))).toEqual([]);
  });
});
