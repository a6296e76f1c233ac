import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import { messageOf } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { field } from '../core/object.ts';
import { byKey } from '../core/order.ts';
import { PACKAGE_NAME } from './names.ts';
import type { PluginProblem } from './set.ts';

/** A plugin as the config and the lock file of one commit name it, with all that it depends on. */
export interface PinnedPlugin {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  /** URL; null where the lock file leaves it to the registry that npm asks. */
  readonly resolved: string | null;
  /** Input of npm: a `package.json` and a lock file with nothing else. */
  readonly manifest: string;
  readonly lock: string;
  /** SHA-256 of {@link lock}. */
  readonly locked: string;
}

/** Plugins that a repository names, and those of them that are not pinned. */
export interface Pinned {
  readonly plugins: readonly PinnedPlugin[];
  readonly problems: readonly PluginProblem[];
}

type Entry = Readonly<Record<string, unknown>>;

/**
 * The plugins that a `primitive.config.yaml` names, pinned by a `package-lock.json` (npm docs, lockfileVersion 2 and 3).
 * Either may be missing or unreadable: then it names nothing. One that the lock file does not have, or not with an integrity
 * for it and each of its dependencies, is a problem.
 */
export function pinnedPlugins(config: string | undefined, lock: string | undefined): Pinned {
  const packages = new Map<string, Entry>();
  const listed = field(parseJson(lock ?? ''), 'packages');
  if (typeof listed === 'object' && listed !== null) {
    for (const [path, entry] of Object.entries(listed))
      if (typeof entry === 'object' && entry !== null) packages.set(path, entry as Entry);
  }
  const plugins: PinnedPlugin[] = [];
  const problems: PluginProblem[] = [];
  for (const name of pluginNames(config)) {
    try {
      plugins.push(pin(name, packages));
    } catch (error) {
      const why = messageOf(error);
      const fix = `npm install --save-dev --save-exact ${name}`;
      problems.push({ name, code: 'plugin-unpinned', message: `Plugin ${name} is not loaded: ${why}`, fix });
    }
  }
  return { plugins, problems };
}

/** The names under `plugins` of a config, sorted; none of one that cannot be read. */
export function pluginNames(config: string | undefined): readonly string[] {
  if (config === undefined) return [];
  let names: unknown;
  try {
    names = field(parse(config, { maxAliasCount: 10 }), 'plugins');
  } catch {
    return [];
  }
  if (!Array.isArray(names)) return [];
  return [...new Set(names.filter((name) => typeof name === 'string' && PACKAGE_NAME.test(name)))].sort();
}

function pin(name: string, packages: ReadonlyMap<string, Entry>): PinnedPlugin {
  const top = `node_modules/${name}`;
  const own = packages.get(top);
  if (own === undefined) throw new Error('package-lock.json does not have it');
  const { version } = requirePinned(top, own);
  const kept = new Map<string, Entry>();
  const visit = (path: string): void => {
    if (kept.has(path)) return;
    const entry = packages.get(path) ?? {};
    kept.set(path, requirePinned(path, entry).entry);
    for (const [key, isOptional] of [
      ['dependencies', false],
      ['optionalDependencies', true],
    ] as const) {
      for (const dependency of Object.keys(objectOf(entry[key]))) {
        const found = resolveFrom(path, dependency, packages);
        if (found !== undefined) visit(found);
        else if (!isOptional && !(dependency in objectOf(entry.optionalDependencies)))
          throw new Error(
            `package-lock.json does not have ${dependency}, which ${path.split('node_modules/').at(-1)} needs`,
          );
      }
    }
  };
  visit(top);
  const dependencies = { [name]: version };
  const root = { name: 'plugin', dependencies };
  const sorted = [...kept].sort(byKey);
  const lock = {
    name: 'plugin',
    lockfileVersion: 3,
    requires: true,
    packages: { '': root, ...Object.fromEntries(sorted) },
  };
  const text = `${JSON.stringify(lock, null, 2)}\n`;
  const { integrity, resolved } = requirePinned(top, own);
  return {
    name,
    version,
    integrity,
    resolved,
    manifest: `${JSON.stringify({ ...root, private: true }, null, 2)}\n`,
    lock: text,
    locked: createHash('sha256').update(text).digest('hex'),
  };
}

/** Of an entry, what npm needs to install exactly that. */
function requirePinned(path: string, entry: Entry) {
  const { version, resolved, integrity } = entry;
  const name = path.split('node_modules/').at(-1);
  if (entry.link === true) throw new Error(`${name} is a link in package-lock.json`);
  if (typeof version !== 'string' || typeof integrity !== 'string' || !/^sha512-/.test(integrity))
    throw new Error(`package-lock.json has no SHA-512 integrity of ${name}`);
  // With `omit-lockfile-registry-resolved` it is left out for what is from a registry.
  const isRegistry = resolved === undefined || (typeof resolved === 'string' && /^https?:/.test(resolved));
  if (!isRegistry) throw new Error(`${name} is not from a registry: ${String(resolved)}`);
  const keys = [
    'version',
    'resolved',
    'integrity',
    'dependencies',
    'optionalDependencies',
    'optional',
    'os',
    'cpu',
    'libc',
    'bin',
  ];
  const kept = Object.fromEntries(keys.flatMap((key) => (key in entry ? [[key, entry[key]]] : [])));
  return { version, resolved: resolved === undefined ? null : String(resolved), integrity, entry: kept };
}

/** Folder in which Node finds a package from another one: the nearest `node_modules` on the way up. */
function resolveFrom(path: string, name: string, packages: ReadonlyMap<string, Entry>): string | undefined {
  for (let at = path; ; ) {
    const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (packages.has(candidate)) return candidate;
    if (at === '') return undefined;
    const up = at.lastIndexOf('/node_modules/');
    at = up === -1 ? '' : at.slice(0, up);
  }
}

function objectOf(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
