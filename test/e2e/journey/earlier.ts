import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { go } from '../../integration/kinds/go-kinds-lab.ts';
import { PATH } from '../../integration/kinds/python-ts-kinds-workbench.ts';
import { olderCli } from '../../support/older-cli.ts';
import type { Packed } from '../../support/packed.ts';
import { attempt } from '../../support/services/run.ts';
import { implementPrimitives, NAMES, scaffoldBy } from './primitives.ts';
import { startRepository } from './repository.ts';

/** By it the primitives are scaffolded: before telemetry, events by an option of the proto, and tenants of `anyone`. */
const EARLIER = '04d174e25a35eb6e5910e6b9db45fc49ea0ba0a4';

/** What an update did, and what is said of the primitives after it. */
export interface Update {
  /** Files in which the template and the owner had changed the same lines; the owner has kept his. */
  readonly conflicts: readonly string[];
  /** Files that were edited before. */
  readonly edited: readonly string[];
  /** State of the template of each primitive. */
  readonly states: readonly string[];
  /** What verify finds. */
  readonly findings: readonly object[];
}

interface Updated {
  readonly primitives: readonly {
    readonly path: string;
    readonly files: readonly { readonly path: string; readonly conflicts?: readonly number[] }[];
    readonly imports?: readonly { readonly path: string; readonly from?: string; readonly to: string }[];
  }[];
}

/** Scaffolds all kinds by an earlier version into a new repository, implements them as was done then, and updates them. */
export async function updatedPrimitives(cli: Packed, repository: string): Promise<Update> {
  const { git, commit, call, succeed } = await startRepository(cli, repository);
  const older = await olderCli(EARLIER, join(dirname(repository), 'earlier'));
  await scaffoldBy((args) => older.run(args, repository));
  await commit('Scaffold');
  await implementPrimitives(repository, older.root);
  // What the owner has added imports shared code where it was then.
  const tools = join(repository, 'primitives/agent', NAMES.agent, 'src/acme_agent_concierge/tools.py');
  await correct(tools, 'from .platform.toolbox import', 'from .toolbox import');
  await commit('Implement');
  const edited = (await git('diff', '--name-only', 'HEAD~1')).split('\n').filter((file) => file !== '');

  const { code, stdout, stderr } = await call('scaffold', '--update', '--all', '--json');
  if (code !== 0 && code !== 1) throw new Error(`scaffold --update --all: exit code ${code}\n${stderr}`);
  const { primitives } = JSON.parse(stdout) as Updated;
  const conflicts = primitives.flatMap(({ path, files }) =>
    files.flatMap((file) => (file.conflicts === undefined ? [] : [join(path, file.path)])),
  );
  for (const file of conflicts) await keepOwn(join(repository, file));
  for (const { path: folder, imports = [] } of primitives)
    for (const { path: file, from, to } of imports) await correct(join(repository, folder, file), from, to);
  // What is generated from files of others has those that the update has changed.
  await succeed('generate');
  await commit('Update');

  const listed = JSON.parse(await succeed('list', '--json')) as {
    readonly primitives: readonly { readonly template: { readonly state: string } }[];
  };
  const verified = JSON.parse((await call('verify', '--no-tests', '--json')).stdout) as {
    readonly findings: readonly object[];
  };
  const states = listed.primitives.map(({ template }) => template.state);
  return { conflicts, edited, states, findings: verified.findings };
}

/** Keeps the lines of the owner where both have changed them. */
async function keepOwn(file: string): Promise<void> {
  let isOther = false;
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => {
    const isMarker = /^(?:<{7} |\|{7} |={7}$|>{7} )/.test(line);
    if (line.startsWith('||||||| ')) isOther = true;
    if (line.startsWith('>>>>>>> ')) isOther = false;
    return !isMarker && !isOther;
  });
  await writeFile(file, `${lines.join('\n').trimEnd()}\n`);
}

/** Corrects an import of code that the update has moved. */
async function correct(file: string, from: string | undefined, to: string): Promise<void> {
  if (from === undefined) throw new Error(`${file} is left of a package that is in ${to} now`);
  const text = await readFile(file, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} does not import ${from}`);
  await writeFile(file, text.replaceAll(from, to));
}

/** Runs the tests of a primitive that need no service; returns exit code and output. */
export async function runTests(repository: string, kind: keyof typeof NAMES) {
  const folder = join(repository, 'primitives', kind, NAMES[kind]);
  if (kind === 'uisurface') return attempt('npm', ['test'], { cwd: folder, env: { PATH } });
  if (kind !== 'agent') return go(folder, ['test', './...']);
  // Those that start processes take most of the time, and the journey starts one, too.
  const tests = ['-m', 'pytest', '-q', '--ignore=tests/test_process.py', '--ignore=tests/test_telemetry.py'];
  return attempt('.venv/bin/python', tests, { cwd: folder });
}
