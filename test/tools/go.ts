import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GoSource, specOf } from './catalogue.ts';
import { type Ran, run } from './run.ts';

const FOLDERS = join(import.meta.dirname, 'go');

/** What is the same for each build, so that they share what they compile. The hashes below stand in for a checksum database. */
const ENVIRONMENT = {
  CGO_ENABLED: '0',
  GOTOOLCHAIN: 'local',
  GOWORK: 'off',
  GOFLAGS: '',
  GOOS: '',
  GOARCH: '',
  GOSUMDB: 'off',
};

/**
 * Builds a program into the file `output`, from exactly the modules that its pin covers; throws with the last lines of
 * `go`, and if a module is another than the pinned one.
 */
export async function buildGo(go: string, source: GoSource, output: string): Promise<void> {
  const stamp = source.stamp ? ` -X ${source.stamp}=v${source.version}` : '';
  // Symbols for a debugger are not linked (-s -w): a twelfth of a build's time goes where nothing compiles them either.
  const lean = [`-gcflags=all=-dwarf=false${source.quick ? ' -l' : ''}`, `-ldflags=-s -w${stamp}`];
  const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', ...lean, '-o', output];
  const built = await inModule(go, source, (cwd, command) =>
    run(go, ['build', ...flags, command], { cwd, env: ENVIRONMENT }),
  );
  if (!built.ok) throw new Error(`go build failed:\n${built.tail}`);
}

/**
 * Downloads the modules that a program is built from, so that its build does not wait for the network: for helm, half of
 * the time. A failure is left to the build.
 */
export async function fetchGo(go: string, source: GoSource): Promise<void> {
  const list = ['list', '-deps', '-mod=readonly'];
  await inModule(go, source, (cwd, command) => run(go, [...list, command], { cwd, env: ENVIRONMENT })).catch(
    () => undefined,
  );
}

/** Runs `work` in the folder of the module that a program is built in, with the package of its command. */
async function inModule(
  go: string,
  source: GoSource,
  work: (cwd: string, command: string) => Promise<Ran>,
): Promise<Ran> {
  const scratch = mkdtempSync(join(tmpdir(), 'primitive-go-'));
  try {
    const cwd = typeof source.pin === 'string' ? scratch : join(FOLDERS, source.pin.folder);
    if (typeof source.pin === 'string') await writeModule(go, source, source.pin, scratch);
    if (source.main !== undefined && cwd === scratch)
      copyFileSync(join(FOLDERS, source.main), join(scratch, 'main.go'));
    const command = [source.module, source.command].filter(Boolean).join('/');
    return await work(cwd, source.main === undefined ? command : '.');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Where the module of a tool of the catalogue is in the module cache, after a download where it is not there yet. */
export async function moduleFolder(go: string, name: string): Promise<string> {
  const { source } = specOf(name);
  if (source.kind !== 'go' || typeof source.pin !== 'string')
    throw new Error(`no hash pins the module of ${name}`);
  return download(go, source, source.pin);
}

/**
 * Makes a module that depends on what the program's own module depends on when it is the main one: its `go.mod`, and its
 * `go.sum` with the hashes of all that. `go install` would ask a checksum database for them, and refuses a `go.mod` with
 * `replace` or `exclude`.
 */
async function writeModule(go: string, source: GoSource, pin: string, folder: string): Promise<void> {
  const from = await download(go, source, pin);
  const version = `${source.module} v${source.version}`;
  const goMod = readFileSync(join(from, 'go.mod'), 'utf8');
  const goSum = readFileSync(join(from, 'go.sum'), 'utf8');
  const own = goMod.replace(/^module .*$/m, 'module example.com/program');
  writeFileSync(join(folder, 'go.mod'), `${own}\nrequire ${version}\n`);
  const hashes = `${version} ${pin}\n${version}/go.mod ${hashOf('go.mod', goMod)}\n`;
  writeFileSync(join(folder, 'go.sum'), `${goSum.trimEnd()}\n${hashes}`);
}

async function download(go: string, source: GoSource, pin: string): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), 'primitive-go-'));
  try {
    const version = `${source.module}@v${source.version}`;
    const env = { ...ENVIRONMENT, GOFLAGS: '-mod=mod' };
    const ran = await run(go, ['mod', 'download', '-json', version], { cwd: scratch, env });
    if (!ran.ok) throw new Error(`go mod download failed:\n${ran.tail}`);
    const { Dir: folder, Sum: sum }: { Dir: string; Sum: string } = JSON.parse(ran.stdout);
    if (sum !== pin)
      throw new Error(`${version} is ${sum}, not the pinned ${pin}: it was changed after its release`);
    return folder;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The hash that `go.sum` has of a single file: of a list, as `sha256sum` writes it. */
function hashOf(name: string, content: string): string {
  const line = `${createHash('sha256').update(content).digest('hex')}  ${name}\n`;
  return `h1:${createHash('sha256').update(line).digest('base64')}`;
}
