import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type Static, Type } from 'typebox';
import { messageOf, PrimitiveError } from '../core/errors.ts';
import { globFault } from '../core/glob.ts';
import { isObject } from '../core/object.ts';
import { pathFault } from '../core/path-fault.ts';
import { type DataOf, formed, strictObject } from '../core/schema.ts';
import type { Fault } from '../yaml/fault.ts';
import { parseYaml } from '../yaml/read.ts';
import type { HookEvents, Subjects } from './api.ts';
import { API_VERSION, prefixOf, requireApi } from './compatible.ts';
import { PACKAGE_NAME } from './names.ts';

const HOOKS = [
  'before',
  'plan',
  'sealed',
  'published',
  'verified',
  'after',
] as const satisfies readonly HookName[];
const SUBJECTS = ['primitive', 'file'] as const satisfies readonly (keyof Subjects)[];
export type HookName = keyof HookEvents;

const modulePath = Type.String({ description: 'A module of the package, relative to its package.json.' });

const declared = strictObject(
  {
    api: Type.String({ description: 'The version of the interface that the plugin was written for.' }),
    rules: Type.Optional(
      Type.Array(
        strictObject({
          id: formed(
            /^[A-Z]{2,16}-[0-9]{3}$/,
            'an id such as RUST-001',
            'The prefix is the same for all rules.',
          ),
          level: Type.Enum(['error', 'warning', 'info']),
          title: Type.String({ description: 'Short title of its findings.', minLength: 1 }),
          subject: Type.Enum(SUBJECTS, { description: 'The subject that it checks.' }),
          files: Type.Optional(
            Type.Array(Type.String(), {
              description: 'For the subject `file`: patterns of paths in a primitive.',
              minItems: 1,
            }),
          ),
          kinds: Type.Optional(
            Type.Array(Type.String(), { description: 'Only primitives of these kinds.', minItems: 1 }),
          ),
          module: modulePath,
        }),
        { minItems: 1 },
      ),
    ),
    hooks: Type.Optional(
      strictObject(Object.fromEntries(HOOKS.map((name) => [name, Type.Optional(modulePath)])) as HookModules),
    ),
  },
  'The parts of the plugin.',
);
type HookModules = { [N in HookName]: ReturnType<typeof Type.Optional<typeof modulePath>> };

const PackageFile = Type.Object({
  name: formed(PACKAGE_NAME, 'the name of an npm package', 'Name of the package.'),
  version: formed(/^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/, 'a version such as 1.2.3', 'Version of the package.'),
  type: Type.Optional(Type.String()),
  oclif: Type.Optional(
    strictObject({
      commands: Type.Optional(Type.String({ description: 'The folder of its commands.' })),
      topics: Type.Optional(
        Type.Record(Type.String(), strictObject({ description: Type.String({ minLength: 1 }) })),
      ),
    }),
  ),
  primitive: declared,
});
type PackageFile = Static<typeof PackageFile>;

export type PluginRule = DataOf<NonNullable<(typeof declared)['properties']['rules']>>[number];

/** A plugin, read without running any of it: its package.json and the manifest of its commands. */
export interface PluginManifest {
  readonly name: string;
  readonly version: string;
  readonly api: string;
  /** The part of package.json that commands are loaded by. */
  readonly oclif: NonNullable<PackageFile['oclif']>;
  /** Ids with `:` between topic and command, sorted; aliases too. */
  readonly commands: readonly string[];
  /** Names of its kinds, sorted. */
  readonly kinds: readonly string[];
  readonly rules: readonly PluginRule[];
  readonly hooks: { readonly [N in HookName]?: string };
}

/** The page of a rule for `explain`, beside its module; relative to the package. */
export function pageOf({ id, module }: PluginRule): string {
  return posix.join(posix.dirname(module), `${id}.md`);
}

/**
 * Reads and checks the manifest of the plugin in a folder; runs nothing of it. With `linked` the manifest of commands may
 * be missing: they are found by their files; with `mayBeData` the package may hold kinds alone.
 *
 * Throws `plugin-…` (exit 2, with line and column), also `plugin-api` for another version of the interface.
 */
export async function readPlugin(
  folder: string,
  { linked, mayBeData = false }: { readonly linked: boolean; readonly mayBeData?: boolean },
): Promise<PluginManifest> {
  const shown = join(folder, 'package.json');
  const text = readText(shown);
  const data = mayBeData ? dataOf(text, folder) : undefined;
  if (data !== undefined) return data;
  const document = await parseYaml({ text, shown, subject: 'plugin' }, PackageFile, (data) =>
    checkApi(data, shown),
  );
  const { name, version, oclif = {}, primitive } = document.value;
  const { api, rules = [], hooks = {} } = primitive;
  const faults = [...moduleFaults(folder, document.value), ...ruleFaults(folder, rules)];
  if (faults.length > 0) throw document.refusal(faults);
  return {
    name,
    version,
    api,
    oclif,
    commands:
      oclif.commands === undefined
        ? []
        : commandsOf(folder, { name, version, linked, target: oclif.commands }),
    kinds: kindsOf(folder),
    rules,
    hooks: hooks as PluginManifest['hooks'],
  };
}

/** A package that has kinds and no manifest: nothing else of it is used. */
function dataOf(text: string, folder: string): PluginManifest | undefined {
  const pjson: unknown = JSON.parse(text);
  const kinds = kindsOf(folder);
  if (!isObject(pjson) || 'primitive' in pjson || kinds.length === 0) return undefined;
  const { name, version } = pjson;
  if (typeof name !== 'string' || typeof version !== 'string') return undefined;
  return { name, version, api: API_VERSION, oclif: {}, commands: [], kinds, rules: [], hooks: {} };
}

/** Before the rest is checked: a newer interface has keys that this version does not know. Throws `plugin-api`. */
function checkApi(data: unknown, shown: string): void {
  const declaration = isObject(data) ? data.primitive : undefined;
  const name = isObject(data) && typeof data.name === 'string' ? data.name : shown;
  if (declaration === undefined) {
    throw new PrimitiveError('plugin-none', `${JSON.stringify(name)} is not a plugin of primitive.`, {
      why: `${shown} has no key \`primitive\`.`,
      suggestions: ['https://github.com/ameideio/primitive/blob/main/docs/plugins.md'],
    });
  }
  const api = isObject(declaration) ? declaration.api : undefined;
  if (typeof api === 'string') requireApi(name, api);
}

function moduleFaults(
  folder: string,
  { type, oclif, primitive: { rules = [], hooks = {} } }: PackageFile,
): Fault[] {
  const modules = [
    ...rules.map(({ module }, i) => ({ path: ['primitive', 'rules', i, 'module'], module })),
    ...Object.entries(hooks).map(([name, module]) => ({
      path: ['primitive', 'hooks', name],
      module: String(module),
    })),
  ];
  const faults = modules.flatMap(({ path, module }): Fault[] => {
    const fault =
      pathFault(strip(module)) ??
      (isFile(folder, strip(module)) ? undefined : 'the package has no such file');
    return fault === undefined
      ? []
      : [{ path, message: `${JSON.stringify(module)} is not a module: ${fault}` }];
  });
  const target = oclif?.commands;
  const folderFault = target === undefined ? undefined : pathFault(strip(target));
  if (folderFault !== undefined)
    faults.push({
      path: ['oclif', 'commands'],
      message: `${JSON.stringify(target)} is not a folder: ${folderFault}`,
    });
  if (type !== 'module' && (target !== undefined || modules.length > 0))
    faults.push({ path: ['name'], message: 'the package needs `"type": "module"`' });
  return faults;
}

function ruleFaults(folder: string, rules: readonly PluginRule[]): Fault[] {
  const [first] = rules;
  return rules.flatMap((rule, i): Fault[] => {
    const at = ['primitive', 'rules', i];
    const faults: Fault[] = [];
    if (prefixOf(rule.id) !== prefixOf(first?.id ?? ''))
      faults.push({ path: [...at, 'id'], message: `${rule.id} has another prefix than ${first?.id}` });
    if (rules.findIndex(({ id }) => id === rule.id) !== i)
      faults.push({ path: [...at, 'id'], message: `${rule.id} is listed twice` });
    if ((rule.subject === 'file') !== (rule.files !== undefined))
      faults.push({ path: at, message: `${rule.id}: \`files\` goes with the subject \`file\`` });
    for (const [j, pattern] of (rule.files ?? []).entries()) {
      const fault = globFault(pattern);
      if (fault !== undefined)
        faults.push({
          path: [...at, 'files', j],
          message: `${JSON.stringify(pattern)} is not a valid pattern: ${fault}`,
        });
    }
    if (!isFile(folder, pageOf({ ...rule, module: strip(rule.module) })))
      faults.push({ path: [...at, 'id'], message: `${rule.id} has no page ${pageOf(rule)}` });
    return faults;
  });
}

/** The ids of all commands. Throws `plugin-commands` (exit 2). */
function commandsOf(
  folder: string,
  { name, version, linked, target }: { name: string; version: string; linked: boolean; target: string },
): readonly string[] {
  if (linked) return filesOfCommands(join(folder, target));
  const path = join(folder, COMMANDS_MANIFEST);
  const broken = (why: string, cause?: unknown) =>
    new PrimitiveError('plugin-commands', `Cannot read the commands of ${name}.`, {
      why: `${path}: ${why}`,
      suggestions: ['Its author runs `primitive plugins manifest` before it is packed.'],
      cause,
    });
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw broken(existsSync(path) ? 'it is not JSON' : 'the package does not have it', cause);
  }
  if (!isObject(manifest) || !isObject(manifest.commands)) throw broken('it lists no commands');
  if (manifest.version !== version)
    throw broken(`it is of version ${manifest.version}, the package of ${version}`);
  const ids: string[] = [];
  for (const [id, command] of Object.entries(manifest.commands)) {
    if (!isObject(command) || command.id !== id || !isObject(command.flags) || !isObject(command.args))
      throw broken(`the entry of ${JSON.stringify(id)} is not a command`);
    const { relativePath } = command;
    const module = Array.isArray(relativePath) ? relativePath.join('/') : '';
    if (pathFault(module) !== undefined || !isFile(folder, module))
      throw broken(`the module of ${JSON.stringify(id)} is not in the package`);
    const aliases = [command.aliases, command.hiddenAliases].flatMap((list) =>
      Array.isArray(list) ? list : [],
    );
    ids.push(id, ...aliases.map((alias) => String(alias).replaceAll(' ', ':')));
  }
  return ids.sort();
}

/** The file with the flags of all commands, which oclif reads. */
export const COMMANDS_MANIFEST = 'oclif.manifest.json';

/** `rust/audit.js` -> `rust:audit` */
function filesOfCommands(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) =>
    file.replaceAll('\\', '/'),
  );
  return files
    .filter((file) => /\.[cm]?[jt]s$/.test(file) && !/\.(?:d\.[cm]?ts|test\.[cm]?[jt]s)$/.test(file))
    .map((file) => file.replace(/(?:\/index)?\.[cm]?[jt]s$/, '').replaceAll('/', ':'))
    .sort();
}

/** As kinds of any package: folders of `kinds/`. */
function kindsOf(folder: string): readonly string[] {
  const kinds = join(folder, 'kinds');
  if (!existsSync(kinds)) return [];
  return readdirSync(kinds)
    .filter((name) => existsSync(join(kinds, name, 'kind.yaml')))
    .sort();
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PrimitiveError('plugin-unreadable', `Cannot read ${path}.`, {
      why: messageOf(cause),
      cause,
    });
  }
}

/** A plain file: a link could lead out of the package. */
function isFile(folder: string, path: string): boolean {
  return lstatSync(join(folder, path), { throwIfNoEntry: false })?.isFile() === true;
}

/** `./rules/a.js` -> `rules/a.js` */
function strip(path: string): string {
  return path.replace(/^\.\//, '').replace(/\/$/, '');
}
