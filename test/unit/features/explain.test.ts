import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Check } from 'typebox/schema';
import { describe, expect, test } from 'vitest';
import { errorDocument } from '../../../src/cli/failure.ts';
import { type DocumentedCode, PrimitiveError } from '../../../src/core/errors.ts';
import { explainSchema } from '../../../src/features/explain/document.ts';
import { readErrorsPage } from '../../../src/features/explain/errors-page.ts';
import { explain } from '../../../src/features/explain/run.ts';
import { rules } from '../../../src/features/verify/rules/all.ts';
import { createStyle } from '../../../src/render/style.ts';

const root = join(import.meta.dirname, '../../..');
const sections = readErrorsPage(readFileSync(join(root, 'docs/errors.md'), 'utf8'));
const sources = [...globSync('src/**/*.ts', { cwd: root }), 'bin/run.js']
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');

/** No rule is a plugin's. */
const noPage = () => undefined;

/** First words of codes that the sources compose of a word and a rest: `${service}-ca-unreadable`. */
const COMPOSED =
  /^(?:gitops(?:-run)?|bpmn(?:-job-type|-message|-error-code)?|init|kit|pin|scaffold|registry|github|config|kind|primitive|plugin|baseline|suppressions|workflow)-|(?<=^(?:component|lane|source))-/;

describe('docs/errors.md', () => {
  // That no other code can be thrown is what the compiler proves: see the type of PrimitiveError's constructor.
  test('the compiler refuses a code without a section', () => {
    // @ts-expect-error: no section
    const undocumented: DocumentedCode = 'no-such-code';
    expect(sections.map(({ code }) => code)).not.toContain(undocumented);
  });

  test.each(sections.map(({ code }) => code))('%s is in the sources', (code) => {
    const rest = code.replace(COMPOSED, '');
    const composed = [
      `'${rest}'`,
      `}-${code.replace(/^[a-z]+-/, '')}\``,
      `'${code.replace(/^[a-z]+-/, '')}'`,
      `-${rest}\``,
      `}-${code.split('-').at(-1)}\``,
    ];
    expect([`'${code}'`, ...(rest === code ? [] : composed)].some((text) => sources.includes(text))).toBe(
      true,
    );
  });

  test('titles are one sentence in sentence case', () => {
    for (const { code, title } of sections) expect(title, code).toMatch(/^["`]?[A-Z`].*\.$|^[a-z]+ .*\.$/);
  });

  test.each([
    ['### a\n\n### b\n\nText.\n', /a has no text/],
    ['### a, b\n\nText.\n\n### b\n\nMore.\n', /b has two sections/],
  ])('%j is refused', (page, message) => {
    expect(() => readErrorsPage(page)).toThrow(message);
  });
});

describe('explain', () => {
  test.each(['inputs-dirty', 'kit-newer', 'INPUTS-DIRTY'])('%s: the section of a code', async (id) => {
    const { document, text, exit } = await explain(id, rules, noPage);
    expect(Check(explainSchema, document)).toBe(true);
    expect(text(createStyle(false))).toMatch(new RegExp(`^# ${id.toLowerCase()}\n\n\\S`));
    expect(exit).toBe(0);
  });

  test('the page of a rule, as before', async () => {
    const { document, text } = await explain('imp-002', rules, noPage);
    expect(Check(explainSchema, document)).toBe(true);
    expect(text(createStyle(false))).toMatch(/IMP-002/);
  });

  test('the rules of a family', async () => {
    const { document } = await explain('sec', rules, noPage);
    const ofFamily = rules.filter(({ id }) => id.startsWith('SEC-')).map(({ id }) => ({ id }));
    expect(ofFamily.length).toBeGreaterThan(1);
    expect(document).toMatchObject({ rules: ofFamily, codes: [] });
  });

  test('without an id all rules and codes', async () => {
    const { document, text } = await explain(undefined, rules, noPage);
    expect(document).toMatchObject({
      rules: rules.map(({ id }) => ({ id })),
      codes: { length: sections.length },
    });
    expect(text(createStyle(false))).toMatch(
      /^inputs-dirty +A file that goes into an image differs from HEAD\.$/m,
    );
  });

  test.each([
    ['IMPS-002', 'primitive explain IMP-002'],
    ['inputs-dirt', 'primitive explain inputs-dirty'],
  ])('%s is unknown, and the nearest one is named', async (id, next) => {
    await expect(explain(id, rules, noPage)).rejects.toMatchObject({
      code: 'rule-unknown',
      suggestions: [next, 'primitive explain'],
    });
  });

  test('the docs of an error document is a command that answers', async () => {
    const { docs } = errorDocument(new PrimitiveError('inputs-dirty', 'x'), []);
    expect(docs).toBe('primitive explain inputs-dirty');
    await expect(explain(docs?.replace('primitive explain ', ''), rules, noPage)).resolves.toMatchObject({
      exit: 0,
    });
  });
});
