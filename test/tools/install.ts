import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import {
  catalogue,
  type DebianSource,
  type GoSource,
  type NpmSource,
  type NpmTreeSource,
  type PypiSource,
  specOf,
  type ToolSpec,
} from './catalogue.ts';
import { buildGo, fetchGo } from './go.ts';
import { type Found, find, ToolMissing, tool, toolsBin, toolsDir } from './locate.ts';
import { exclusively } from './lock.ts';
import { Progress } from './progress.ts';
import { run } from './run.ts';

const PARTIAL = '.partial-';

/**
 * Makes every named tool available: what is on PATH in a usable version is taken, the rest is installed.
 * Goes on after a failure, so that one run names everything that is missing, and throws at the end.
 */
export async function ensureTools(names: readonly string[]): Promise<Map<string, Found>> {
  const wanted = names.map((name) => ({ spec: specOf(name), there: find(specOf(name)) }));
  const fetching = fetchAhead(wanted.flatMap(({ spec, there }) => (there ? [] : spec)));
  const ready = new Map<string, Found>();
  const failures: Error[] = [];
  for (const { spec, there } of wanted) {
    try {
      ready.set(spec.name, there ?? (await install(spec)));
    } catch (error) {
      failures.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  fetching.stop();
  if (failures.length > 0) {
    throw new AggregateError(failures, failures.map((failure) => failure.message).join('\n'));
  }
  return ready;
}

/** Downloads the modules of tools that are built later, while those before are compiled. */
function fetchAhead([, ...later]: readonly ToolSpec[]): { stop(): void } {
  let isStopped = false;
  const fetch = async () => {
    const go = find(specOf('go'));
    for (const { source } of later) {
      if (isStopped || !go) return;
      if (source.kind === 'go') await fetchGo(go.path, source);
    }
  };
  void fetch();
  return {
    stop: () => {
      isStopped = true;
    },
  };
}

async function install(spec: ToolSpec): Promise<Found> {
  const wait = () => process.stderr.write(`${spec.name}: waiting for another install to finish\n`);
  return exclusively(toolsDir(), wait, async () => {
    const already = find(spec);
    if (already) return already;
    sweep();
    const seconds = await obtain(spec);
    const found = find(spec);
    // tool() says what it saw and why that will not do.
    if (!found) throw new Error(`${spec.name}: installed, but not usable: ${tool(spec.name)}`);
    process.stderr.write(`${spec.name} ${found.version}  ${seconds} s  ${shown(found.path)}\n`);
    return found;
  });
}

async function obtain(spec: ToolSpec): Promise<number> {
  const { source } = spec;
  switch (source.kind) {
    case 'go': {
      const about = `${spec.name}: building ${source.version} from source, about ${source.seconds} s`;
      using progress = new Progress(about);
      await takeGo(spec, source);
      return progress.seconds;
    }
    case 'debian': {
      using progress = new Progress(`${spec.name}: taking Debian's ${source.package}`);
      await takeDebian(spec, source);
      return progress.seconds;
    }
    case 'pypi': {
      using progress = new Progress(`${spec.name}: taking ${source.package} ${source.version} from PyPI`);
      await takeWheel(spec, source);
      return progress.seconds;
    }
    case 'npm': {
      using progress = new Progress(
        `${spec.name}: taking ${source.package} ${source.version} from node_modules`,
      );
      takeNpm(spec, source);
      return progress.seconds;
    }
    case 'npm-tree': {
      using progress = new Progress(`${spec.name}: taking ${source.package} ${source.version} from npm`);
      await takeNpmTree(spec, source);
      return progress.seconds;
    }
    case 'manual':
      throw new ToolMissing(spec.name, 'is not there and not installed by this project', source.how);
  }
}

async function takeGo(spec: ToolSpec, source: GoSource): Promise<void> {
  const go = find(specOf('go'));
  const direct = `install Go 1.26 from https://go.dev/dl, then: npm run tools -- ${spec.name}`;
  if (!go) throw new ToolMissing(spec.name, 'Go 1.26 or newer is needed to build it', direct);
  const partial = partialPath(spec);
  try {
    await buildGo(go.path, source, partial);
  } catch (error) {
    const again = `npm run tools -- ${spec.name}   (needs a Go module proxy within reach)`;
    throw new ToolMissing(spec.name, (error as Error).message, again);
  }
  renameSync(partial, join(toolsBin(), spec.programs[0]));
}

async function takeDebian(spec: ToolSpec, source: DebianSource): Promise<void> {
  const command = `sudo apt-get update && sudo apt-get install -y ${source.package}`;
  const root = process.getuid?.() === 0;
  const scratch = mkdtempSync(join(tmpdir(), 'primitive-apt-'));
  try {
    const take = () =>
      source.unpack
        ? run('apt-get', ['download', '-q', source.package], { cwd: scratch })
        : run('apt-get', aptInstall(source.package), { cwd: scratch });
    if (!root && !source.unpack) {
      throw new ToolMissing(spec.name, `Debian's ${source.package} needs root to install`, command);
    }
    let taken = await take();
    // A fresh machine has no package lists, an old one stale lists.
    if (!taken.ok && root && (await run('apt-get', ['update', '-q'], { cwd: scratch })).ok) {
      taken = await take();
    }
    if (!taken.ok) throw new ToolMissing(spec.name, `apt-get failed:\n${taken.tail}`, command);
    if (source.unpack) await unpack(spec, source.unpack, scratch, command);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function aptInstall(name: string): string[] {
  return ['install', '-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', name];
}

async function unpack(spec: ToolSpec, program: string, scratch: string, command: string): Promise<void> {
  const archive = readdirSync(scratch).find((file) => file.endsWith('.deb'));
  const unpacked = archive
    ? await run('dpkg-deb', ['--extract', archive, 'root'], { cwd: scratch })
    : { ok: false, tail: 'apt-get downloaded nothing' };
  if (!unpacked.ok) throw new ToolMissing(spec.name, unpacked.tail, command);
  const partial = partialPath(spec);
  copyFileSync(join(scratch, 'root', program), partial);
  chmodSync(partial, 0o755);
  renameSync(partial, join(toolsBin(), spec.programs[0]));
}

async function takeWheel(spec: ToolSpec, source: PypiSource): Promise<void> {
  const pip = find(specOf('pip3'));
  const again = `npm run tools -- ${spec.name}   (needs PyPI within reach)`;
  if (!pip) throw new ToolMissing(spec.name, 'pip3 is needed to take it from PyPI', 'npm run tools -- pip3');
  const scratch = mkdtempSync(join(tmpdir(), 'primitive-wheel-'));
  try {
    const wheel = ['--no-deps', '--only-binary=:all:', `${source.package}==${source.version}`];
    const taken = await run(pip.path, ['install', '--quiet', '--target', scratch, ...wheel], {
      cwd: scratch,
    });
    if (!taken.ok) throw new ToolMissing(spec.name, `pip failed:\n${taken.tail}`, again);
    const partial = partialPath(spec);
    copyFileSync(join(scratch, 'bin', spec.programs[0]), partial);
    renameSync(partial, join(toolsBin(), spec.programs[0]));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Out of `node_modules`: what is there may not run as a program of the machine. */
function takeNpm(spec: ToolSpec, source: NpmSource): void {
  const partial = partialPath(spec);
  const file = join(import.meta.dirname, '../../node_modules', source.package, 'bin', spec.programs[0]);
  try {
    copyFileSync(file, partial);
  } catch (error) {
    throw new ToolMissing(spec.name, (error as Error).message, `npm ci, then: npm run tools -- ${spec.name}`);
  }
  renameSync(partial, join(toolsBin(), spec.programs[0]));
}

/** With all that it depends on, in a folder of its own; no script of a package is run. */
async function takeNpmTree(spec: ToolSpec, source: NpmTreeSource): Promise<void> {
  const folder = join(toolsDir(), 'npm', spec.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { package: name, version, overrides } = source;
  const manifest = { private: true, dependencies: { [name]: version }, overrides };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const taken = await run('npm', ['install', ...flags], { cwd: folder });
  const again = `npm run tools -- ${spec.name}   (needs a registry of npm within reach)`;
  if (!taken.ok) throw new ToolMissing(spec.name, `npm failed:\n${taken.tail}`, again);
  const program = join(toolsBin(), spec.programs[0]);
  rmSync(program, { force: true });
  symlinkSync(join('..', 'npm', spec.name, 'node_modules', '.bin', spec.programs[0]), program);
}

function partialPath(spec: ToolSpec): string {
  mkdirSync(toolsBin(), { recursive: true });
  return join(toolsBin(), `${PARTIAL}${process.pid}-${spec.programs[0]}`);
}

/** What a killed install left behind; nobody else writes here while we hold the lock. */
function sweep(): void {
  mkdirSync(toolsBin(), { recursive: true });
  for (const file of readdirSync(toolsBin())) {
    if (file.startsWith(PARTIAL)) rmSync(join(toolsBin(), file), { force: true });
  }
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}

/** `npm run tools -- [tool…]`: no name means all that tests need. */
async function main(names: readonly string[]): Promise<void> {
  const needed = catalogue.filter((spec) => !spec.onDemand).map((spec) => spec.name);
  const wanted = names.length > 0 ? names : needed;
  const ready = await ensureTools(wanted);
  const width = Math.max(...wanted.map((name) => name.length));
  for (const [name, { path, version }] of ready) {
    process.stdout.write(`${name.padEnd(width)}  ${version.padEnd(10)}  ${shown(path)}\n`);
  }
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
