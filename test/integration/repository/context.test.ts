import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeContext } from '../../../src/repository/context.ts';
import { gitRepo, temporaryFolder } from '../../support/git.ts';
import { folderListing } from '../../support/listing.ts';
import { oneComponent, openWorkspace, refusal } from '../../support/workspace.ts';

const script = join(import.meta.dirname, '../../support/write-context.ts');

async function opened(root: string) {
  const workspace = await openWorkspace(root);
  const [inputs] = await workspace.inputs();
  if (inputs === undefined) throw new Error('no component');
  return { tree: workspace.tree, inputs };
}

// A small disk of one's own needs Linux and the right to mount in a namespace.
const small = (folder: string, ...command: string[]) =>
  spawnSync(
    'unshare',
    [
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs -o size=256k tmpfs "$0" && "$@"; code=$?; ls -A "$0"; exit $code',
      folder,
      ...command,
    ],
    { encoding: 'utf8' },
  );
const canMount = small('/mnt', 'true').status === 0;

test.skipIf(!canMount)('a full disk ends in an error that says so, and nothing is left', async () => {
  await using repo = await gitRepo(oneComponent({ 'a.txt': 'x', 'data.bin': Buffer.alloc(1024 * 1024, 7) }));
  await using folder = await temporaryFolder();
  const run = small(folder.path, process.execPath, script, repo.root, join(folder.path, 'context'));
  expect(run.stderr).toContain('disk-full: Cannot write the build context: no space left.');
  expect([run.status, run.stdout]).toEqual([3, '']);
});

test('a folder that is there already is neither used nor removed', async () => {
  await using repo = await gitRepo(oneComponent());
  const { tree, inputs } = await opened(repo.root);
  await using folder = await temporaryFolder();
  const context = join(folder.path, 'context');
  await mkdir(context);
  await writeFile(join(context, 'precious'), 'x');
  expect(await refusal(writeContext(tree, inputs, context))).toMatchObject({
    code: 'context-not-written',
    message: 'Cannot write the build context.',
    exit: 3,
  });
  expect(Object.keys(await folderListing(context))).toEqual(['/', 'precious']);
  expect(await refusal(writeContext(tree, inputs, join(folder.path, 'no/parent')))).toMatchObject({
    exit: 3,
  });
});

test('a file that the receiver cannot take ends git at once', async () => {
  await using repo = await gitRepo({ big: Buffer.alloc(32 * 1024 * 1024) });
  await repo.commit(oneComponent());
  const { tree } = await opened(repo.root);
  const object = repo.git('rev-parse', 'HEAD:big');
  let seen = 0;
  const reading = tree.readBlobs([object], {
    start: () => {},
    data: (chunk) => {
      seen += chunk.length;
      throw new Error('enough');
    },
    end: () => {},
  });
  await expect(reading).rejects.toThrow('enough');
  expect(seen).toBeLessThan(1024 * 1024);
});

test('a large file is written in constant memory', async () => {
  const size = 256 * 1024 * 1024;
  await using repo = await gitRepo(oneComponent());
  const file = join(repo.root, 'primitives/domain/orders/big.bin');
  execFileSync('sh', ['-c', `head -c ${size} /dev/zero > "$0"`, file]);
  await repo.commit({});
  const { tree, inputs } = await opened(repo.root);
  await using folder = await temporaryFolder();
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  await writeContext(tree, inputs, join(folder.path, 'context'));
  clearInterval(watch);
  expect(most - before).toBeLessThan(size / 2);
});
