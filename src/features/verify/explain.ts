import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import type { Outcome } from '../../render/outcome.ts';
import { table } from '../../render/table.ts';
import type { ExplainDocument } from './document.ts';
import { familyOf } from './family.ts';
import type { AnyRule } from './rule.ts';

/** The pages of rules come with the package: `explain` works offline. */
const PAGES = join('src', 'features', 'verify', 'rules');

/** All rules, or the page of one. Throws `rule-unknown` (exit 2) with the nearest id. */
export async function explain(id: string | undefined, rules: readonly AnyRule[]): Promise<Outcome> {
  if (id === undefined) return list(rules);
  const rule = rules.find((one) => one.id === id.toUpperCase());
  if (rule === undefined) {
    const meant = nearest(
      id.toUpperCase(),
      rules.map((one) => one.id),
    );
    throw new PrimitiveError('rule-unknown', `Rule ${JSON.stringify(id)} is unknown.`, {
      suggestions: [...(meant === undefined ? [] : [`primitive explain ${meant}`]), 'primitive explain'],
    });
  }
  const page = await readFile(join(pagesFolder(), `${rule.id}.md`), 'utf8');
  const document: ExplainDocument = {
    schema: 'primitive.explain/v1',
    rules: [{ ...summaryOf(rule), page }],
  };
  return { document, text: () => page, exit: 0 };
}

function list(rules: readonly AnyRule[]): Outcome {
  const document: ExplainDocument = { schema: 'primitive.explain/v1', rules: rules.map(summaryOf) };
  return {
    document,
    text: (style) =>
      table(
        document.rules.map(({ id, level, title }) => [style.bold(id), level, title]),
        style,
      ),
    exit: 0,
  };
}

function summaryOf(rule: AnyRule) {
  const { id, level, title } = rule;
  return { id, family: familyOf(id), level, title };
}

/** Found from the source as from the bundle. */
function pagesFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, PAGES)) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, PAGES);
}
