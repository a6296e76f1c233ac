import { type Static, Type } from 'typebox';
import { globFault } from '../core/glob.ts';
import { formed, strictObject } from '../core/schema.ts';
import type { Fault, YamlPath } from '../yaml/fault.ts';

const text = (description: string) => Type.String({ description, minLength: 1 });
const list = (description: string, item: string) => Type.Array(text(item), { description, minItems: 1 });

/** A rule of the repository's own, as data; of what is to be checked it has one. */
export const OwnRule = strictObject({
  id: Type.Unsafe<`OWN-${string}`>(
    formed(/^OWN-[0-9]{3}$/, 'an id such as OWN-001', 'Id of the rule; never given to another one.'),
  ),
  title: text('Title of a finding, a few words.'),
  why: Type.Optional(text('For the page of the rule.')),
  fix: Type.Optional(text('The fix for a finding.')),
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
  secretFormat: Type.Optional(
    strictObject(
      {
        pattern: text(
          'A regular expression that a secret of this format matches, at most 500 characters long.',
        ),
        group: Type.Optional(
          Type.Integer({ description: 'Group that is the secret; by default the whole match.', minimum: 0 }),
        ),
        entropy: Type.Optional(
          Type.Number({ description: 'Bits per character that a secret exceeds; by default 0.', minimum: 0 }),
        ),
      },
      'A format of secrets; no file of the repository may hold one.',
    ),
  ),
});
export type OwnRule = Static<typeof OwnRule>;

const CHECKS = [
  'forbidImports',
  'allowImports',
  'requireFiles',
  'forbidPattern',
  'layers',
  'secretFormat',
] as const;

/** The regular expression of a rule, if it has one. */
export function patternOf({ forbidPattern, secretFormat }: OwnRule): string | undefined {
  return forbidPattern ?? secretFormat?.pattern;
}

/** Checks beyond the schema. */
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
      faults.push({ path: [...at, 'id'], message: `two rules have the id ${rule.id}` });
    return [...faults, ...globFaults(rule, at), ...secretFormatFaults(rule, at)];
  });
}

function globFaults(rule: OwnRule, at: YamlPath): readonly Fault[] {
  return (['files', 'except', 'requireFiles'] as const).flatMap((key) =>
    (rule[key] ?? []).flatMap((pattern, i): Fault[] => {
      const fault = globFault(pattern);
      if (fault === undefined) return [];
      return [
        { path: [...at, key, i], message: `${JSON.stringify(pattern)} is not a valid pattern: ${fault}` },
      ];
    }),
  );
}

function secretFormatFaults(rule: OwnRule, at: YamlPath): readonly Fault[] {
  if (rule.secretFormat === undefined) return [];
  return (['kinds', 'files', 'except'] as const).flatMap((key): Fault[] =>
    rule[key] === undefined
      ? []
      : [{ path: [...at, key], message: `secretFormat is for all files: ${rule.id} cannot have ${key}` }],
  );
}
