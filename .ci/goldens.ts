/**
 * `npm run goldens`: writes what each kind scaffolds into `goldens/`, which git ignores, and its digests into
 * `test/goldens.sha256`. With `--against COMMIT` prints instead how the files differ from those of that commit; it
 * renders them with the sources of that commit and the installed dependencies.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  changesBetween,
  digestsOf,
  goldenTrees,
  listedDigests,
  RENDERS,
  type Tree,
  writeList,
  writeTree,
} from '../test/support/goldens.ts';

const root = join(import.meta.dirname, '..');
const { against } = parseArgs({ options: { against: { type: 'string' } } }).values;
try {
  if (against === undefined) await update();
  else await compare(against);
} catch (error) {
  console.error(`npm run goldens: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function update(): Promise<void> {
  const tree = await goldenTrees();
  await writeTree(tree, RENDERS);
  const digests = digestsOf(tree);
  const changes = changesBetween(listedDigests(), digests);
  await writeList(digests);
  for (const change of changes) console.log(change);
  console.log(
    `wrote ${digests.size} files into goldens/; ${changes.length} digests of test/goldens.sha256 are new`,
  );
}

async function compare(commit: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'primitive-goldens-'));
  try {
    await writeTree(await treesOf(commit, join(folder, 'sources')), join(folder, 'before'));
    await writeTree(await goldenTrees(), join(folder, 'after'));
    const diff = ['diff', '--no-index', '--stat', '--patch', '--no-prefix', 'before', 'after'];
    const { status, error } = spawnSync('git', diff, { cwd: folder, stdio: 'inherit' });
    // 1 says that there are differences.
    if (status !== 0 && status !== 1) throw error ?? new Error(`git diff: exit code ${status}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files that the sources of a commit scaffold, made in a process of its own. */
async function treesOf(commit: string, sources: string): Promise<Tree> {
  await mkdir(sources);
  const archive = ['archive', '--format=tar', `--output=${sources}.tar`, '--end-of-options', commit];
  const { status, error } = spawnSync('git', archive, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw error ?? new Error(`git has no commit ${commit} here`);
  execFileSync('tar', ['--extract', `--file=${sources}.tar`], { cwd: sources });
  await symlink(join(root, 'node_modules'), join(sources, 'node_modules'));
  const script = `
    const { goldenTree, scaffoldedKinds } = await import(process.argv[1]);
    const trees = await Promise.all((await scaffoldedKinds()).map(async (kind) => [kind, await goldenTree(kind)]));
    const files = trees.flatMap(([kind, tree]) => Object.entries(tree).map(([path, text]) => [kind + '/' + path, text]));
    process.stdout.write(JSON.stringify(Object.fromEntries(files)));`;
  const goldens = join(sources, 'test/support/goldens.ts');
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '--eval', script, goldens], {
      cwd: sources,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    }),
  );
}
