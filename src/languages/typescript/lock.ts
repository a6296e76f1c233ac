import { posix } from 'node:path';
import { readJson, record } from '../../core/json.ts';
import { type Dependencies, differs, type LockFile, type PackageManager } from '../package-manager.ts';

/** The lock file repeats what each package.json asks for, that of the root and those of its workspaces. */
const compare: Dependencies['compare'] = async (primitive, lockFile, { tree }) => {
  const manifest = await tree.read(posix.join(primitive.path, 'package.json'));
  const lock = await tree.read(lockFile.path);
  if (manifest === undefined || lock === undefined) return undefined;
  const wanted = readJson(new TextDecoder().decode(manifest));
  const packages = record(readJson(new TextDecoder().decode(lock)).packages);
  const key = posix.relative(lockFile.folder, primitive.path);
  const entry = packages[key];
  const fix = 'npm install --package-lock-only --ignore-scripts';
  if (key !== '' && entry === undefined) {
    const why = `${lockFile.path} has no workspace ${key}`;
    return differs(primitive, lockFile, { manifest: 'package.json', why, fix });
  }
  for (const section of SECTIONS) {
    const [asked, locked] = [record(wanted[section]), record(record(entry)[section])];
    const [name] = [...new Set([...Object.keys(asked), ...Object.keys(locked)])]
      .sort()
      .filter((one) => asked[one] !== locked[one] && !isOptionalToo(section, one, wanted));
    if (name === undefined) continue;
    const why = `${name} is ${shown(asked[name])} in package.json and ${shown(locked[name])} in the lock file`;
    return differs(primitive, lockFile, { manifest: 'package.json', why, fix });
  }
  return undefined;
};

const SECTIONS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const;

/** npm keeps what is optional out of the other dependencies. */
function isOptionalToo(section: string, name: string, wanted: Readonly<Record<string, unknown>>): boolean {
  return section === 'dependencies' && Object.hasOwn(record(wanted.optionalDependencies), name);
}

function shown(version: unknown): string {
  return typeof version === 'string' ? version : 'missing';
}

const fault: Dependencies['fault'] = async (_, lock, { tree }) => {
  const found = await tree.read(posix.join(lock.folder, 'node_modules/.package-lock.json'));
  const wanted = await tree.read(lock.path);
  if (wanted === undefined) return `${lock.path} is missing`;
  if (found === undefined) return `${posix.join(lock.folder, 'node_modules')} is missing`;
  return npmFault(wanted, found, lock);
};

/** Compares `package-lock.json` with what npm says that it has installed. */
function npmFault(
  wanted: Uint8Array,
  found: Uint8Array,
  { folder, path: lock }: LockFile,
): string | undefined {
  const [locked, installed] = [wanted, found].map(npmPackages);
  if (locked === undefined) return `${lock} is not JSON`;
  for (const [name, entry] of Object.entries(locked)) {
    const { version, optional } = record(entry);
    // The root and its workspaces are no packages that are installed.
    if (!name.includes('node_modules/')) continue;
    const there = record(installed?.[name]).version;
    // Packages for another platform are not installed.
    if (there === version || (there === undefined && optional === true)) continue;
    return `${posix.join(folder, name)} is ${there ?? 'missing'}, the lock file wants ${version}`;
  }
  return undefined;
}

/** The packages of a lock file of npm, by their folders; undefined if it is not JSON. */
function npmPackages(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    return record(record(JSON.parse(new TextDecoder().decode(bytes))).packages);
  } catch {
    return undefined;
  }
}

export const npm: PackageManager<'node'> = {
  name: 'npm',
  lock: 'package-lock.json',
  hasWorkspaces: true,
  program: 'node',
  dependencies: {
    installs: (_, { scripts }) => [
      ['npm', 'ci', ...(scripts ? [] : ['--ignore-scripts']), '--no-audit', '--no-fund'],
    ],
    compare,
    fault,
  },
};

/** Of two lock files, npm reads this one. */
export const shrinkwrap: PackageManager<'node'> = {
  name: 'npm shrinkwrap',
  lock: 'npm-shrinkwrap.json',
  hasWorkspaces: false,
  program: 'node',
};

export const otherManagers: readonly PackageManager<'node'>[] = [
  { name: 'pnpm', lock: 'pnpm-lock.yaml' },
  { name: 'Yarn', lock: 'yarn.lock' },
  { name: 'Bun', lock: 'bun.lock' },
  { name: 'Bun', lock: 'bun.lockb' },
  { name: 'Deno', lock: 'deno.lock' },
].map((one) => ({ ...one, hasWorkspaces: true, program: 'node' }));
