import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gitRepo } from '../support/git.ts';
import { installPacked, type Packed } from '../support/packed.ts';
import { blocks, commandsOf, pages } from '../support/pages.ts';
import { run } from '../support/services/run.ts';

let cli: Packed;
beforeAll(async () => {
  cli = await installPacked();
});
afterAll(() => cli?.[Symbol.asyncDispose]());

test('the first two of the five minutes of the README work in a repository with the package alone', async () => {
  const text = pages.get('README.md') ?? '';
  const lineOf = (heading: string) => text.slice(0, text.indexOf(heading)).split('\n').length;
  const shown = blocks().filter(
    ({ page, line, language }) =>
      page === 'README.md' && language === 'sh' && line > lineOf('## Five minutes') && line < lineOf('**3. '),
  );
  const commands = shown.flatMap(commandsOf);
  expect(commands.length).toBeGreaterThan(3);
  const [install] = blocks()
    .filter(({ page }) => page === 'README.md')
    .flatMap(commandsOf)
    .filter(([program, command]) => program === 'npm' && command === 'install');
  const tarball = install?.at(-1) ?? '';
  await using repo = await gitRepo({ '.gitignore': 'node_modules\n' });
  await copyFile(join(cli.folder, '../../..', tarball), join(repo.root, tarball));
  await run('npm', ['install', '--save-dev', tarball, '--offline', '--ignore-scripts', '--silent'], {
    cwd: repo.root,
  });
  repo.git('remote', 'add', 'origin', 'https://github.com/acme/app.git');
  for (const [program, ...args] of commands) {
    if (program === 'git') repo.git(...args);
    else expect(await cli.run(args, { cwd: repo.root }), args.join(' ')).toMatchObject({ code: 0 });
  }
  expect(await readFile(join(repo.root, '.github/workflows/publish.yaml'), 'utf8')).toContain(
    'FILE: ameide-primitive',
  );
  const list = await cli.run(['list', '--json'], { cwd: repo.root });
  expect(JSON.parse(list.stdout).primitives).toMatchObject([
    { kind: 'domain', name: 'orders', inputDigest: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ]);
});
