import { afterAll, describe, expect, test } from 'vitest';
import { familyOf } from '../../../../src/features/verify/family.ts';
import { rules } from '../../../../src/features/verify/rules/all.ts';
import { createStyle } from '../../../../src/render/style.ts';
import { table } from '../../../../src/render/table.ts';
import { type Corpus, type CorpusCase, filesOf, shown } from '../../../support/verify-corpus/case.ts';
import { generated } from '../../../support/verify-corpus/generated.ts';
import { imports } from '../../../support/verify-corpus/imports.ts';
import { markers } from '../../../support/verify-corpus/markers.ts';
import { models } from '../../../support/verify-corpus/models.ts';
import { verifyFiles } from '../../../support/verify-corpus/run.ts';
import { secrets } from '../../../support/verify-corpus/secrets.ts';
import { shape } from '../../../support/verify-corpus/shape.ts';
import { suites } from '../../../support/verify-corpus/suites.ts';

const CORPORA: readonly Corpus[] = [generated, imports, markers, models, secrets, shape, suites];
/** Cases of either sort that a rule has at least, for each language. */
const ENOUGH = 3;

/** Per rule and language: how many violations there are and were caught, how many near misses and false alarms. */
const tally = new Map<string, { violations: number; caught: number; nearMisses: number; alarms: number }>();

function tallyOf({ rule, language }: CorpusCase) {
  const key = `${rule} ${language}`;
  const known = tally.get(key) ?? { violations: 0, caught: 0, nearMisses: 0, alarms: 0 };
  tally.set(key, known);
  return known;
}

describe.each(CORPORA)('corpus', (corpus) => {
  test.each(
    corpus.cases.map(
      (one) => [one.rule, one.language, one.finds === undefined ? 'misses' : 'finds', one.name, one] as const,
    ),
  )('%s, %s: %s in %j', async (rule, _language, _verb, _name, one) => {
    const findings = await verifyFiles(filesOf(corpus, one), familyOf(rule), rules, one);
    const found = findings.map(shown);
    const counts = tallyOf(one);
    if (one.finds === undefined) {
      counts.nearMisses += 1;
      counts.alarms += found.length;
      expect(found).toEqual([]);
    } else {
      counts.violations += 1;
      counts.caught += found.includes(`${rule} ${one.finds}`) ? 1 : 0;
      expect(found).toEqual([`${rule} ${one.finds}`]);
    }
  });
});

describe('the corpus', () => {
  afterAll(() => {
    const rows = [...tally].map(([key, { violations, caught, nearMisses, alarms }]) => [
      key,
      `${caught}/${violations} caught`,
      `${alarms}/${nearMisses} false alarms`,
    ]);
    process.stdout.write(`${table(rows, createStyle(false))}\n`);
  });

  test('every rule that judges files has enough violations and near misses in each of its languages', () => {
    const families = new Set(CORPORA.flatMap(({ cases }) => cases.map(({ rule }) => familyOf(rule))));
    const covered = new Set([...tally.keys()].map((key) => key.split(' ')[0]));
    expect(rules.map(({ id }) => id).filter((id) => families.has(familyOf(id)) && !covered.has(id))).toEqual(
      [],
    );
    const thin = [...tally].filter(
      ([, { violations, nearMisses }]) => Math.min(violations, nearMisses) < ENOUGH,
    );
    expect(thin).toEqual([]);
  });

  test.each(rules.filter(({ id }) => [...tally.keys()].some((key) => key.startsWith(id))))(
    'notices when $id is disabled',
    async ({ id }) => {
      const others = rules.filter((rule) => rule.id !== id);
      const violations = CORPORA.flatMap((corpus) =>
        corpus.cases
          .filter(({ rule, finds }) => rule === id && finds !== undefined)
          .map((one) => ({ files: filesOf(corpus, one), one })),
      );
      for (const { files, one } of violations) {
        const findings = await verifyFiles(files, familyOf(id), others, one);
        expect(findings.map(shown)).not.toEqual([`${id} ${one.finds}`]);
      }
      expect(violations.length).toBeGreaterThanOrEqual(ENOUGH);
    },
  );
});

test('each fault of a primitive.yaml is a finding, at its place', async () => {
  const path = 'primitives/integration/mesh/primitive.yaml';
  const files = { ...shape.base, [path]: 'kind: integration\nname: mesh\nimages: a\nbiuld: {}\n' };
  const findings = await verifyFiles(files, 'SHAPE', rules);
  expect(findings).toMatchObject([
    { rule: 'SHAPE-005', path, line: 3, column: 1, message: 'unknown key `images`' },
    { rule: 'SHAPE-005', path, line: 4, column: 1, message: 'unknown key `biuld`' },
  ]);
});
