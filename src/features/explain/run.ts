import { readFile } from 'node:fs/promises';
import { PrimitiveError } from '../../core/errors.ts';
import type { FindingLevel } from '../../core/finding.ts';
import { nearest } from '../../core/nearest.ts';
import { optional } from '../../core/object.ts';
import { packagePath } from '../../core/package.ts';
import { pageText } from '../../render/markdown.ts';
import type { Outcome } from '../../render/outcome.ts';
import { table } from '../../render/table.ts';
import { sanitize, sanitizeLine } from '../../render/text.ts';
import type { ExplainDocument } from './document.ts';
import { type CodeSection, readErrorsPage } from './errors-page.ts';

/** A rule of `verify`. */
export interface ExplainedRule {
  /** `IMP-002`, of the family IMP. */
  readonly id: string;
  readonly level: FindingLevel;
  readonly title: string;
  /** Name and version of the plugin that it is of. */
  readonly plugin?: string;
  /** Its page, if it has no file: a rule of a config. */
  readonly page?: string;
}

/**
 * All rules and codes, the rules of a family, or the page of one; `pageOf` says where the page of a rule of a plugin is.
 * Throws `rule-unknown` (exit 2) with the nearest one.
 */
export async function explain(
  id: string | undefined,
  rules: readonly ExplainedRule[],
  pageOf: (id: string) => string | undefined,
): Promise<Outcome> {
  const codes = readErrorsPage(await readFile(packagePath('docs/errors.md'), 'utf8'));
  if (id === undefined) return list(rules, codes);
  const family = rules.filter((rule) => summaryOf(rule).family === id.toUpperCase());
  if (family.length > 0) return list(family, []);
  // `imp-1` is meant as IMP-001.
  const full = id.toUpperCase().replace(/-(\d{1,2})$/, (_, digits: string) => `-${digits.padStart(3, '0')}`);
  const rule = rules.find((one) => one.id === full);
  const code = codes.find((one) => one.code.toLowerCase() === id.toLowerCase());
  if (rule) {
    const page =
      rule.page ??
      (await readFile(pageOf(rule.id) ?? packagePath(`src/features/verify/rules/${rule.id}.md`), 'utf8'));
    return one({ rules: [{ ...summaryOf(rule), page }], codes: [] }, page);
  }
  if (code) return one({ rules: [], codes: [code] }, code.page);
  const meant =
    nearest(
      id.toUpperCase(),
      rules.map((one) => one.id),
    ) ??
    nearest(
      id.toLowerCase(),
      codes.map((one) => one.code),
    );
  throw new PrimitiveError('rule-unknown', `Rule or code ${JSON.stringify(id)} is unknown.`, {
    suggestions: [...(meant === undefined ? [] : [`primitive explain ${meant}`]), 'primitive explain'],
  });
}

function one(content: Pick<ExplainDocument, 'rules' | 'codes'>, page: string): Outcome {
  return {
    document: { schema: 'primitive.explain/v1', ...content },
    text: (style) => pageText(sanitize(page), style),
    exit: 0,
  };
}

function list(rules: readonly ExplainedRule[], codes: readonly CodeSection[]): Outcome {
  const document: ExplainDocument = {
    schema: 'primitive.explain/v1',
    rules: rules.map(summaryOf),
    codes: codes.map(({ code, title }) => ({ code, title })),
  };
  return {
    document,
    text: (style) =>
      [
        table(
          document.rules.map(({ id, level, title, plugin }) => [
            style.bold(id),
            level,
            sanitizeLine(plugin === undefined ? title : `${title} (${plugin})`),
          ]),
          style,
        ),
        table(
          document.codes.map(({ code, title }) => [style.bold(code), title]),
          style,
        ),
      ].join('\n'),
    exit: 0,
  };
}

function summaryOf({ id, level, title, plugin }: ExplainedRule): ExplainDocument['rules'][number] {
  return { id, family: id.slice(0, id.indexOf('-')), level, title, ...optional('plugin', plugin) };
}
