import { globMatcher } from '../../core/glob.ts';
import type { OwnRule } from '../../repository/own-rules.ts';
import { listed } from './imports/policy.ts';
import { searchLines } from './own-search.ts';
import type { AnyRule, Problem, Rule } from './rule.ts';
import { decode } from './scan.ts';
import { entropyOf } from './secrets/entropy.ts';
import { REVOKE } from './secrets/rule.ts';
import { conceal, type Literal } from './secrets/secret.ts';
import type { Import, InFile, Primitive } from './subjects.ts';

/** The rules of the config, in the form of ours. */
export function ownRules(rules: readonly OwnRule[]): readonly AnyRule[] {
  return rules.map((own): AnyRule => {
    if (own.requireFiles !== undefined) return requireRule(own, own.requireFiles);
    if (own.forbidPattern !== undefined) return patternRule(own, own.forbidPattern);
    if (own.secretFormat !== undefined) return secretFormatRule(own, own.secretFormat);
    return importRule(own);
  });
}

/** Head that all rules share. */
function headOf(own: OwnRule) {
  return { id: own.id, level: own.level ?? ('error' as const), title: own.title, page: pageOf(own) };
}

function isFor({ kinds }: OwnRule, { id }: Primitive): boolean {
  return kinds === undefined || kinds.includes(id.slice(0, id.indexOf('/')));
}

/** Whether a rule is for a file of a primitive, by its path below it. */
function filesOf({ files = ['**'], except = [] }: OwnRule): (path: string) => boolean {
  const [meant, excepted] = [files, except].map((patterns) => patterns.map((one) => globMatcher(one)));
  return (path) => some(meant, path) && !some(excepted, path);
}

function some(matchers: readonly ((path: string) => boolean)[] | undefined, path: string): boolean {
  return (matchers ?? []).some((matches) => matches(path));
}

function requireRule(own: OwnRule, patterns: readonly string[]): Rule<'primitive'> {
  const matchers = patterns.map((pattern) => ({ pattern, matches: globMatcher(pattern) }));
  return {
    ...headOf(own),
    subject: 'primitive',
    check: (primitive) =>
      isFor(own, primitive)
        ? matchers
            .filter(({ matches }) => !primitive.files.some((file) => matches(file)))
            .map(({ pattern }) => ({
              message: `${pattern} is missing.`,
              ...adviceOf(own, `Add ${pattern}.`),
            }))
        : [],
  };
}

function importRule(own: OwnRule): Rule<'import'> {
  const isMeant = filesOf(own);
  return {
    ...headOf(own),
    subject: 'import',
    check: (found) => {
      const { primitive, path, specifier, line, column, inManifest } = found;
      if (primitive === undefined || inManifest || !isFor(own, primitive)) return [];
      const file = path.slice(primitive.path.length + 1);
      const why = isMeant(file) ? importFault(own, found, primitive, file) : undefined;
      if (why === undefined) return [];
      const message = `Import ${JSON.stringify(specifier)} ${why}.`;
      return [
        { message, line, column, key: specifier, ...adviceOf(own, 'Import what the rule allows instead.') },
      ];
    },
  };
}

/** Why an import is not allowed, as half a sentence. */
function importFault(
  { forbidImports, allowImports, layers }: OwnRule,
  found: Import & InFile,
  primitive: Primitive,
  file: string,
): string | undefined {
  const { target } = found;
  const entry = forbidImports && listed(found, forbidImports);
  if (entry !== undefined) return `is forbidden by ${JSON.stringify(entry)}`;
  if (allowImports !== undefined) {
    const isThirdParty = target.type === 'package' && target.known !== 'standard';
    return isThirdParty && listed(found, allowImports) === undefined
      ? 'is not among those allowed'
      : undefined;
  }
  if (layers === undefined || target.type !== 'path') return undefined;
  const isOwn = target.path.startsWith(`${primitive.path}/`);
  const [from, to] = [file, isOwn ? target.path.slice(primitive.path.length + 1) : ''].map((path) =>
    layers.findIndex((layer) => path === layer || path.startsWith(`${layer}/`)),
  );
  if (from === undefined || to === undefined || to < 0 || from <= to) return undefined;
  return `leads from ${layers[from]} up to ${layers[to]}`;
}

function patternRule(own: OwnRule, pattern: string): Rule<'primitive'> {
  const isMeant = filesOf(own);
  const message = `A line matches ${JSON.stringify(pattern)}.`;
  return {
    ...headOf(own),
    subject: 'primitive',
    check: async (primitive, { tree }) => {
      if (!isFor(own, primitive)) return [];
      const problems: Problem[] = [];
      for (const file of primitive.files.filter(isMeant)) {
        const path = `${primitive.path}/${file}`;
        const bytes = (await tree.read(path)) ?? new Uint8Array();
        const text = decode(bytes) ?? Buffer.from(bytes).toString('latin1');
        const lines = new Set(searchLines(text, { id: own.id, pattern }, path).map(({ line }) => line));
        const advice = adviceOf(own, 'Write it in another way.');
        problems.push(...[...lines].map((line) => ({ message, path, line, ...advice })));
      }
      return problems;
    },
  };
}

function secretFormatRule(
  own: OwnRule,
  { pattern, group = 0, entropy = 0 }: NonNullable<OwnRule['secretFormat']>,
): Rule<'file'> {
  return {
    ...headOf(own),
    subject: 'file',
    within: 'repository',
    check: async ({ path }, { tree }) => {
      const bytes = await tree.read(path);
      if (bytes === undefined) return [];
      const text = decode(bytes) ?? Buffer.from(bytes).toString('latin1');
      const literals = searchLines(text, { id: own.id, pattern, group }, path)
        .map(({ index, value }): Literal => ({ kind: 'token', name: own.title, value, index }))
        .filter((literal) => entropyOf(literal.value) > entropy);
      if (literals.length === 0) return [];
      // Most of what it loads is the formats of ours.
      const { isSecret } = await import('./secrets/formats.ts');
      return conceal(literals.filter(isSecret), path, text).map(({ name, line, column, key }) => ({
        message: `Credential in the file (${name}).`,
        line,
        column,
        key,
        ...adviceOf(own, REVOKE),
      }));
    },
  };
}

function adviceOf({ fix }: OwnRule, otherwise: string): Pick<Problem, 'fix'> & object {
  return { fix: { kind: 'text', text: fix ?? otherwise } };
}

/** The page for `primitive explain`. */
function pageOf(own: OwnRule): string {
  const { id, title, why, kinds, files, except, fix } = own;
  const code = (all: readonly string[]) => all.map((one) => `\`${one}\``).join(', ');
  const lines = [
    ...(own.forbidImports ? [`These must not be imported: ${code(own.forbidImports)}.`] : []),
    ...(own.allowImports
      ? [`Of packages of others, only these may be imported: ${code(own.allowImports)}.`]
      : []),
    ...(own.requireFiles ? [`These files must exist: ${code(own.requireFiles)}.`] : []),
    ...(own.forbidPattern ? [`No line may match \`${own.forbidPattern}\`.`] : []),
    ...(own.layers
      ? [`Each of these folders may import those after it, and none before it: ${code(own.layers)}.`]
      : []),
    ...(own.secretFormat ? [`No file may hold a secret that matches \`${own.secretFormat.pattern}\`.`] : []),
    own.secretFormat
      ? 'It is for all files that are checked.'
      : `It is for primitives of ${kinds ? `the kinds ${code(kinds)}` : 'all kinds'}${files ? `, for ${code(files)}` : ''}${except ? `, but not for ${code(except)}` : ''}.`,
  ];
  const sections = [
    `# ${id}: ${title}`,
    lines.join('\n'),
    ...(why ? [`## Why\n\n${why}`] : []),
    ...(fix ? [`## Fix\n\n${fix}`] : []),
    'The rule is in `verify.rules` of the config of this repository.',
  ];
  return `${sections.join('\n\n')}\n`;
}
