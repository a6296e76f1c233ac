import { type Static, Type } from 'typebox';
import { formed, strictObject } from '../core/schema.ts';
import type { Fault, YamlPath } from '../yaml/fault.ts';
import { globFault } from './globs.ts';

const text = (description: string) => Type.String({ description, minLength: 1 });
const list = (description: string, item: string) => Type.Array(text(item), { description, minItems: 1 });

/** A rule of the repository's own, as data; of what is to be checked it has one. */
export const OwnRule = strictObject({
  id: Type.Unsafe<`OWN-${string}`>(
    formed(/^OWN-[0-9]{3}$/, 'an id such as OWN-001', 'Id of the rule; never given to another one.'),
  ),
  title: text('What is wrong where it fails, a few words.'),
  why: Type.Optional(text('For the page of the rule.')),
  fix: Type.Optional(text('What to do about a finding.')),
  level: Type.Optional(Type.Enum(['error', 'warning'], { description: 'By default error.' })),
  kinds: Type.Optional(list('Kinds of primitives that it is for; all by default.', 'A kind.')),
  files: Type.Optional(list('Patterns of files below a primitive; all by default.', 'A pattern.')),
  except: Type.Optional(list('Patterns of files that it is not for.', 'A pattern.')),
  forbidImports: Type.Optional(
    list('Packages that must not be imported, with all below them.', 'A package.'),
  ),
  allowImports: Type.Optional(list('The only packages of others that may be imported.', 'A package.')),
  requireFiles: Type.Optional(list('Patterns, of each of which there has to be a file.', 'A pattern.')),
  forbidPattern: Type.Optional(text('A regular expression that no line may match.')),
  layers: Type.Optional(
    list('Folders of a primitive: each may import those after it, and none before it.', 'A folder.'),
  ),
});
export type OwnRule = Static<typeof OwnRule>;

const CHECKS = ['forbidImports', 'allowImports', 'requireFiles', 'forbidPattern', 'layers'] as const;

/** What a schema cannot say. */
export function ownRuleFaults(rules: readonly OwnRule[]): readonly Fault[] {
  return rules.flatMap((rule, i) => {
    const at: YamlPath = ['verify', 'rules', i];
    const checks = CHECKS.filter((key) => rule[key] !== undefined);
    const faults: Fault[] = [];
    if (checks.length !== 1) {
      const message = `a rule has one of ${CHECKS.join(', ')}, and ${rule.id} has ${checks.length === 0 ? 'none' : checks.join(' and ')}`;
      faults.push({ path: at, message });
    }
    if (rules.findIndex(({ id }) => id === rule.id) !== i)
      faults.push({ path: [...at, 'id'], message: `${rule.id} is there twice` });
    for (const key of ['files', 'except', 'requireFiles'] as const) {
      for (const [j, pattern] of (rule[key] ?? []).entries()) {
        const fault = globFault(pattern);
        if (fault !== undefined)
          faults.push({
            path: [...at, key, j],
            message: `${JSON.stringify(pattern)} is no pattern: ${fault}`,
          });
      }
    }
    return faults;
  });
}
