import { join, posix } from 'node:path';
import { readJson, record } from '../imports/json.ts';
import type { SuitePorts } from '../ports.ts';
import type { LockFault, Primitive } from '../subjects.ts';
import type { PackageManager } from './package-manager.ts';
import { GO_ENVIRONMENT, missingModule } from './start.ts';

/** The outcome of a comparison: the files differ, or cannot be compared; undefined where they agree. */
export type Compared = { readonly fault: LockFault } | { readonly unchecked: string } | undefined;

/**
 * Compares the manifest of a primitive with its lock file. Dependencies are installed by the lock file alone: a manifest
 * that asks for something else has no effect, and nobody notices. `tool` is the toolchain's file.
 */
export async function compareLock(
  primitive: Primitive,
  manager: PackageManager,
  ports: SuitePorts,
  tool: string,
): Promise<Compared> {
  if (manager.name === 'go') return compareGo(primitive, manager, ports, tool);
  if (manager.name === 'npm') return compareNpm(primitive, manager, ports);
  if (manager.name === 'uv') return compareUv(primitive, manager, ports, tool);
  return manager.name === 'pip' && primitive.files.includes('pyproject.toml')
    ? { unchecked: 'a lock file of pip does not say what pyproject.toml asks for' }
    : undefined;
}

/** Checks that go.mod and go.sum have all imports of packages and tests; asks no server. */
async function compareGo(
  primitive: Primitive,
  manager: PackageManager,
  { processes, tree, signal, limit }: SuitePorts,
  go: string,
): Promise<Compared> {
  const cwd = join(tree.root, primitive.path);
  const { exitCode, stderr } = await processes.run(go, ['list', '-deps', '-test', './...'], {
    cwd,
    env: GO_ENVIRONMENT,
    signal,
    timeout: limit,
    stdout: () => {},
  });
  const [line] = stderr
    .split('\n')
    .filter((text) =>
      /missing go\.sum entry|updates to go\.(?:mod|sum) needed|-mod=readonly|go mod tidy/.test(text),
    );
  // Modules that are not in the cache are the suites' to report, and so is code that does not compile.
  if (exitCode === 0 || line === undefined || missingModule(stderr) !== undefined) return undefined;
  const why = line.replace(/^(?:go: )?|;? to add:$/g, '').trim();
  return differs(primitive, manager, { manifest: 'go.mod', why, fix: ['go mod tidy'] });
}

/** The lock file repeats what each package.json asks for, that of the root and those of its workspaces. */
async function compareNpm(
  primitive: Primitive,
  manager: PackageManager,
  { tree }: SuitePorts,
): Promise<Compared> {
  const manifest = await tree.read(posix.join(primitive.path, 'package.json'));
  const lock = await tree.read(manager.lock);
  if (manifest === undefined || lock === undefined) return undefined;
  const wanted = readJson(new TextDecoder().decode(manifest));
  const packages = record(readJson(new TextDecoder().decode(lock)).packages);
  const key = posix.relative(manager.folder, primitive.path);
  const entry = packages[key];
  const fix = ['npm install --package-lock-only --ignore-scripts'];
  if (key !== '' && entry === undefined) {
    const why = `${manager.lock} has no workspace ${key}`;
    return differs(primitive, manager, { manifest: 'package.json', why, fix });
  }
  for (const section of SECTIONS) {
    const [asked, locked] = [record(wanted[section]), record(record(entry)[section])];
    const [name] = [...new Set([...Object.keys(asked), ...Object.keys(locked)])]
      .sort()
      .filter((one) => asked[one] !== locked[one] && !isOptionalToo(section, one, wanted));
    if (name === undefined) continue;
    const why = `${name} is ${shown(asked[name])} in package.json and ${shown(locked[name])} in the lock file`;
    return differs(primitive, manager, { manifest: 'package.json', why, fix });
  }
  return undefined;
}

const SECTIONS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const;

/** npm keeps what is optional out of the other dependencies. */
function isOptionalToo(section: string, name: string, wanted: Readonly<Record<string, unknown>>): boolean {
  return section === 'dependencies' && Object.hasOwn(record(wanted.optionalDependencies), name);
}

function shown(version: unknown): string {
  return typeof version === 'string' ? version : 'missing';
}

/**
 * uv compares them itself, offline. An index that only this machine is set to would not be that of the lock file, so it is
 * asked without such settings.
 */
async function compareUv(
  primitive: Primitive,
  manager: PackageManager,
  { processes, tree, signal, output, limit }: SuitePorts,
  uv: string,
): Promise<Compared> {
  const { exitCode, stderr } = await processes.run(uv, ['lock', '--check', '--offline'], {
    cwd: join(tree.root, primitive.path),
    env: { ...NO_INDEX, XDG_CONFIG_HOME: join(output, 'none'), XDG_CONFIG_DIRS: join(output, 'none') },
    signal,
    timeout: limit,
  });
  if (exitCode === 0) return undefined;
  const why = /^(?:error|warning): (.*)$/m.exec(stderr)?.[1] ?? 'uv lock --check fails';
  // 1: it would write another lock file, or would have to ask for packages that are not in this one.
  if (exitCode !== 1) return { unchecked: `uv lock --check ended with exit code ${exitCode}: ${why}` };
  const [, what] = /cause: Because (.*?)[,.]?(?: we can conclude that .*)?$/m.exec(stderr) ?? [];
  return differs(primitive, manager, { manifest: 'pyproject.toml', why: what ?? why, fix: ['uv lock'] });
}

const NO_INDEX = Object.fromEntries(
  [
    'UV_INDEX',
    'UV_INDEX_URL',
    'UV_EXTRA_INDEX_URL',
    'UV_DEFAULT_INDEX',
    'UV_FIND_LINKS',
    'UV_CONFIG_FILE',
  ].map((name) => [name, undefined]),
);

function differs(
  primitive: Primitive,
  { lock, folder }: PackageManager,
  {
    manifest,
    why,
    fix,
  }: { readonly manifest: string; readonly why: string; readonly fix: readonly string[] },
): Compared {
  const there = folder === '.' ? fix : [`cd ${folder}`, ...fix];
  return {
    fault: {
      path: lock,
      primitive,
      message: `${lock} does not match ${primitive.path}/${manifest}: ${why}.`,
      fix: { kind: 'command', text: there.join(' && ') },
    },
  };
}
