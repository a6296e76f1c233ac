import { posix } from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/schema';
import { globMatcher } from '../../core/glob.ts';
import { strictObject } from '../../core/schema.ts';
import type { FileData, Problem as PluginProblem } from '../../plugins/api.ts';
import { type PluginRule, pageOf } from '../../plugins/manifest.ts';
import type { PluginProblem as NotLoaded, PluginSet } from '../../plugins/set.ts';
import type { InstalledPlugin } from '../../plugins/store.ts';
import type { VerifyDocument } from './document.ts';
import { type Family, familyOf, isOurs, type RuleId } from './family.ts';
import { primitiveData } from './plugin-data.ts';
import type { AnyRule } from './rule.ts';
import { decode } from './scan.ts';
import type { Fact, Primitive } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** A rule of a plugin, and one thing that it judges. */
export interface RuleTask {
  readonly rule: string;
  /** Relative to the plugin. */
  readonly module: string;
  readonly subject: { readonly path: string };
}

/** Unchecked result of a rule, or the reason why there is none. */
export type RuleResult =
  | { readonly task: RuleTask; readonly problems: unknown }
  | { readonly task: RuleTask; readonly error: string };

/** Runs rules of plugins where they can be ended and reach nothing. Implemented by `adapters/rule-processes`. */
export interface RuleHost {
  /** A result for each task. `readable` is the folder of the plugin with what was installed for it. */
  run(
    plugin: { readonly folder: string; readonly readable: string },
    tasks: readonly RuleTask[],
  ): Promise<readonly RuleResult[]>;
}

/** The rules of plugins, in the form of ours: what each found was read before, because it runs elsewhere. */
export function foreignRules({ plugins }: PluginSet): readonly AnyRule[] {
  return plugins.flatMap((plugin) =>
    rulesOf(plugin).map(
      ({ id, level, title }): AnyRule => ({
        id: id as RuleId,
        level,
        title,
        subject: 'foreign',
        plugin: labelOf(plugin),
        check: (found) => (found.rule === id ? [found.problem] : []),
      }),
    ),
  );
}

/** Where the page of a rule of a plugin is, absolute; undefined if no plugin has that rule. */
export function foreignPage({ plugins }: PluginSet, id: string): string | undefined {
  for (const plugin of plugins) {
    const rule = rulesOf(plugin).find((one) => one.id === id);
    if (rule !== undefined) return posix.join(plugin.folder, pageOf(rule));
  }
  return undefined;
}

/** `@acme/rust@1.0.0` */
function labelOf({ name, version }: Pick<InstalledPlugin, 'name' | 'version'>): string {
  return `${name}@${version}`;
}

/** A prefix of ours is never a plugin's, whatever this program was when the plugin was installed. */
function rulesOf({ rules }: InstalledPlugin): readonly PluginRule[] {
  return rules.filter(({ id }) => !isOurs(familyOf(id as RuleId)));
}

/** Ports for running rules of plugins. */
export interface ForeignPorts {
  readonly tree: WorkTree;
  readonly plugins: PluginSet;
  ruleHost(): Promise<RuleHost>;
}

/** Result of the rules of plugins. */
export interface Foreign {
  /** Findings, and obstacles that kept a rule from running. */
  readonly facts: readonly Fact[];
  /** The files that were given to rules, with the families of those that answered. */
  readonly judged: ReadonlyMap<string, ReadonlySet<Family>>;
  readonly plugins: VerifyDocument['plugins'];
  /** Plugins that this change adds; they do not judge it. */
  readonly unchecked: VerifyDocument['unchecked'];
}

/** Runs the rules of plugins on the selected primitives. */
export async function readForeign(
  {
    selected,
    families,
    base,
  }: { readonly selected: readonly Primitive[]; readonly families: readonly string[]; readonly base: string },
  { tree, plugins: { plugins, problems, notices }, ruleHost }: ForeignPorts,
): Promise<Foreign> {
  const facts = problems.map((problem) => notLoaded(problem, base));
  const judged = new Map<string, Set<Family>>();
  const used: VerifyDocument['plugins'][number][] = [];
  for (const plugin of plugins) {
    const rules = rulesOf(plugin).filter(({ id }) => families.includes(familyOf(id as RuleId)));
    if (rules.length > 0)
      used.push({ name: plugin.name, version: plugin.version, rules: rules.map(({ id }) => id) });
    const tasks: RuleTask[] = [];
    for (const rule of rules) {
      for (const subject of await subjectsOf(rule, selected, tree))
        tasks.push({ rule: rule.id, module: rule.module, subject });
    }
    if (tasks.length === 0) continue;
    const host = await ruleHost();
    const readable = plugin.linked ? plugin.folder : plugin.folder.slice(0, -plugin.name.length);
    for (const result of await host.run({ folder: plugin.folder, readable }, tasks)) {
      const { rule, subject } = result.task;
      facts.push(...factsOf(plugin, result, selected));
      if ('text' in subject && 'problems' in result) {
        const families = judged.get(subject.path) ?? new Set();
        judged.set(subject.path, families.add(familyOf(rule as RuleId)));
      }
    }
  }
  const unchecked = notices.map(({ name, message }) => ({ what: `plugin ${name}`, why: message }));
  return { facts, judged, plugins: used, unchecked };
}

async function subjectsOf(
  { subject, files = [], kinds }: PluginRule,
  selected: readonly Primitive[],
  tree: WorkTree,
): Promise<readonly (FileData | ReturnType<typeof primitiveData>)[]> {
  const meant = selected.map(primitiveData).filter(({ kind }) => kinds?.includes(kind) ?? true);
  if (subject === 'primitive') return meant;
  const matches = files.map(globMatcher);
  const found: FileData[] = [];
  for (const primitive of meant) {
    for (const file of primitive.files.filter((path) => matches.some((matcher) => matcher(path)))) {
      const path = `${primitive.path}/${file}`;
      const bytes = await tree.read(path);
      const text = bytes && decode(bytes);
      if (text !== undefined) found.push({ path, text, primitive });
    }
  }
  return found;
}

const problemSchema = strictObject({
  message: Type.String({ minLength: 1, maxLength: 2000 }),
  path: Type.Optional(Type.String({ minLength: 1 })),
  line: Type.Optional(Type.Integer({ minimum: 1 })),
  column: Type.Optional(Type.Integer({ minimum: 1 })),
  key: Type.Optional(Type.String()),
  fix: Type.Optional(
    strictObject({ kind: Type.Enum(['command', 'edit', 'text']), text: Type.String({ minLength: 1 }) }),
  ),
});

function factsOf(
  plugin: InstalledPlugin,
  result: RuleResult,
  selected: readonly Primitive[],
): readonly Fact[] {
  const { rule, subject } = result.task;
  const failed = (why: string): readonly Fact[] => [
    {
      subject: 'obstacle',
      value: {
        cause: 'plugin-failed',
        family: familyOf(rule as RuleId),
        path: subject.path,
        message: `${subject.path} is not checked by ${rule} of ${labelOf(plugin)}: ${why}`,
      },
    },
  ];
  if ('error' in result) return failed(result.error);
  const { problems } = result;
  if (!Array.isArray(problems)) return failed('it returned no list');
  const owner = selected.find(({ path }) => subject.path === path || subject.path.startsWith(`${path}/`));
  const isOwn = (path: string) =>
    posix.normalize(path) === path && (path === owner?.path || path.startsWith(`${owner?.path}/`));
  return problems.flatMap((problem: PluginProblem): readonly Fact[] => {
    if (!Check(problemSchema, problem)) return failed('it returned something that is not a problem');
    const path = problem.path ?? subject.path;
    if (!isOwn(path)) return failed(`it returned a problem of ${path}, which is not in the primitive`);
    return [{ subject: 'foreign', value: { path, rule, problem } }];
  });
}

function notLoaded({ message, fix }: NotLoaded, base: string): Fact {
  const path = posix.join(base, 'primitive.config.yaml');
  const advice = fix === undefined ? {} : ({ fix: { kind: 'text', text: fix } } as const);
  return { subject: 'obstacle', value: { cause: 'plugin-failed', path, message, ...advice } };
}
