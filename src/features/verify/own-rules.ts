import { createContext, Script } from 'node:vm';
import { PrimitiveError } from '../../core/errors.ts';
import { globMatcher } from '../../repository/globs.ts';
import type { OwnRule } from '../../repository/own-rules.ts';
import { listed } from './imports/policy.ts';
import type { AnyRule, Problem, Rule } from './rule.ts';
import type { Import, InFile, Primitive } from './subjects.ts';

/** The rules of the config, in the form of ours. */
export function ownRules(rules: readonly OwnRule[]): readonly AnyRule[] {
  return rules.map((own): AnyRule => {
    if (own.requireFiles !== undefined) return requireRule(own, own.requireFiles);
    if (own.forbidPattern !== undefined) return patternRule(own, own.forbidPattern);
    return importRule(own);
  });
}

/** What all of them have. */
function headOf(own: OwnRule) {
  return { id: own.id, level: own.level ?? ('error' as const), title: own.title, page: pageOf(own) };
}

/** Whether a rule is for a primitive. */
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

/** Lines of more characters are made by programs. */
const MAX_LINE = 2_000;
/** Milliseconds for a file: the pattern takes linear time, and this is for what nobody thought of. */
const LIMIT = 1_000;
const MATCH = new Script(
  'const own = new RegExp(pattern, "u"); lines.flatMap((line, i) => (line.length <= max && own.test(line) ? [i + 1] : []))',
);

function patternRule(own: OwnRule, pattern: string): Rule<'primitive'> {
  const isMeant = filesOf(own);
  return {
    ...headOf(own),
    subject: 'primitive',
    check: async (primitive, { tree }) => {
      if (!isFor(own, primitive)) return [];
      const problems: Problem[] = [];
      for (const file of primitive.files.filter(isMeant)) {
        const path = `${primitive.path}/${file}`;
        const bytes = await tree.read(path);
        if (bytes === undefined || bytes.subarray(0, 8000).includes(0)) continue;
        problems.push(...matchesIn(new TextDecoder().decode(bytes), pattern, path, own));
      }
      return problems;
    },
  };
}

/** Throws `config-invalid` (exit 2) where the pattern takes too long for a file. */
function matchesIn(text: string, pattern: string, path: string, own: OwnRule): readonly Problem[] {
  const context = createContext({ pattern, lines: text.split('\n'), max: MAX_LINE });
  let found: readonly number[];
  try {
    found = MATCH.runInContext(context, { timeout: LIMIT });
  } catch (cause) {
    throw new PrimitiveError(
      'config-invalid',
      `Cannot use the pattern of ${own.id} in \`verify.rules\`: ${JSON.stringify(pattern)}.`,
      {
        why: `it takes longer than ${LIMIT / 1000} s for ${path}`,
        suggestions: [
          'Write it so that each line can match in one way alone: no repetition of (a|a) or (a|ab).',
        ],
        cause,
      },
    );
  }
  const message = `A line matches ${JSON.stringify(pattern)}.`;
  return [...found].map((line) => ({ message, path, line, ...adviceOf(own, 'Write it in another way.') }));
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
    ...(own.requireFiles ? [`These files have to be there: ${code(own.requireFiles)}.`] : []),
    ...(own.forbidPattern ? [`No line may match \`${own.forbidPattern}\`.`] : []),
    ...(own.layers
      ? [`Each of these folders may import those after it, and none before it: ${code(own.layers)}.`]
      : []),
    `It is for primitives of ${kinds ? `the kinds ${code(kinds)}` : 'all kinds'}${files ? `, for ${code(files)}` : ''}${except ? `, but not for ${code(except)}` : ''}.`,
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
