import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RuleId } from './family.ts';

const RULES = join('src', 'features', 'verify', 'rules');

/** The page of a rule, Markdown; it comes with the package, found from the source as from the bundle. */
export function rulePage(id: RuleId): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, RULES)) && folder !== dirname(folder)) folder = dirname(folder);
  return readFileSync(join(folder, RULES, `${id}.md`), 'utf8');
}
