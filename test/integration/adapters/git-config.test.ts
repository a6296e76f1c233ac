import { chmod, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openRepository } from '../../../src/adapters/git.ts';
import { parseConfig, programOverrides } from '../../../src/adapters/git-config.ts';
import { readOrigin } from '../../../src/adapters/git-origin.ts';
import { createProcesses } from '../../../src/adapters/process.ts';
import { openWorkTree } from '../../../src/adapters/work-tree.ts';
import { clone, gitEnvironment, gitRepo, type TestRepository, temporaryFolder } from '../../support/git.ts';

/** A folder with a program that leaves a file there when it runs. */
async function setTrap() {
  const folder = await temporaryFolder();
  const program = join(folder.path, 'trap');
  await writeFile(program, `#!/bin/sh\ntouch "${folder.path}/ran-$1"\ncat\n`);
  await chmod(program, 0o755);
  return {
    program,
    folder: folder.path,
    ran: async () => (await readdir(folder.path)).filter((name) => name.startsWith('ran-')),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
}

/** A partial clone of depth 1 whose configuration and attributes name the trap wherever git takes a program. */
async function hostile(origin: TestRepository, { program, folder }: { program: string; folder: string }) {
  origin.git('config', 'uploadpack.allowFilter', 'true');
  const repo = await clone(origin.root, '--depth=1', '--filter=blob:none', '--no-checkout');
  const set = (key: string, value = `'${program}' ${key}`) => repo.git('config', '--local', key, value);
  repo.git('reset', '--hard', '--quiet');
  set('core.fsmonitor', program);
  set('core.hooksPath', folder);
  set('core.pager');
  set('core.sshCommand');
  set('core.askPass', program);
  set('core.gitProxy', program);
  set('core.alternateRefsCommand');
  set('diff.external');
  set('credential.helper', `!'${program}' helper`);
  set('credential.https://127.0.0.1.helper', `!'${program}' host-helper`);
  for (const command of ['clean', 'smudge', 'process']) set(`filter.evil.${command}`);
  set('filter.evil.required', 'true');
  set('protocol.ext.allow', 'always');
  set('alias.remote-evil', `!'${program}' alias </dev/null #`);
  set('alias.remote-', `!'${program}' alias </dev/null #`);
  set('hook.evil.event', 'reference-transaction');
  set('hook.evil.command');
  for (const hook of ['post-index-change', 'reference-transaction', 'pre-auto-gc']) {
    await writeFile(join(folder, hook), `#!/bin/sh\ntouch "${folder}/ran-${hook}"\n`, { mode: 0o755 });
  }
  return repo;
}

const processes = createProcesses({ ...gitEnvironment, GIT_TRACE: undefined });

/** All that is asked of a repository. What fails does: here it matters what is started on the way. */
async function askEverything(root: string): Promise<void> {
  const repository = await openRepository(processes, root);
  await repository.changes();
  const [entries = []] = await repository.readFolders([repository.head.tree]);
  const files = entries.filter(({ mode }) => mode.startsWith('100')).map(({ object }) => object);
  await repository.readWhole(files).catch(() => undefined);
  await repository.filters(entries.map(({ name }) => name));
  await repository.isAncestor('a'.repeat(40), repository.head.commit);
  await repository.deepen().catch(() => undefined);
  await readOrigin(processes, root);
  const workTree = await openWorkTree(processes, root);
  await workTree.list();
  await workTree.changedSince('HEAD').catch(() => undefined);
}

describe('no program that the configuration of a repository names is started', () => {
  const FILES = { '.gitattributes': '* filter=evil diff=evil\n', file: 'content\n' };

  test.each([
    ['by path', (url: string) => url],
    ['by ssh', () => 'ssh://127.0.0.1:1/repo'],
    ['by git', () => 'git://127.0.0.1:1/repo'],
    ['by a command line', (_: string, program: string) => `ext::'${program}' ext`],
    ['by a helper that is an alias', () => 'evil::repo'],
    ['by a helper without a name', () => '::repo'],
  ])('with a remote %s', async (_, url) => {
    await using origin = await gitRepo(FILES);
    await origin.commit({ other: 'more\n' });
    await using trap = await setTrap();
    await using repo = await hostile(origin, trap);
    repo.git('config', 'remote.origin.url', url(`file://${origin.root}`, trap.program));
    // Looks changed, so that git compares the content.
    await utimes(join(repo.root, 'file'), 1, 1);
    await askEverything(repo.root);
    expect(await trap.ran()).toEqual([]);
  });

  test.each(['ssh://127.0.0.1:1/repo', 'evil::repo', '::repo'])(
    'where an object is missing that the remote %s is said to have',
    async (url) => {
      await using repo = await gitRepo({ file: 'content\n' });
      await using trap = await setTrap();
      const blob = repo.git('rev-parse', 'HEAD:file');
      await rm(join(repo.root, '.git/objects', blob.slice(0, 2), blob.slice(2)));
      const set = (key: string, value: string) => repo.git('config', '--local', key, value);
      set('core.repositoryFormatVersion', '1');
      set('extensions.partialClone', 'origin');
      set('remote.origin.promisor', 'true');
      set('remote.origin.url', url);
      set('core.sshCommand', `'${trap.program}' program </dev/null #`);
      set('alias.remote-evil', `!'${trap.program}' program </dev/null #`);
      set('alias.remote-', `!'${trap.program}' program </dev/null #`);
      const { readWhole } = await openRepository(processes, repo.root);
      await expect(readWhole([blob])).rejects.toMatchObject({ code: 'git-object-missing' });
      expect(await trap.ran()).toEqual([]);
      // Git by itself starts it.
      expect(() => repo.git('cat-file', '-p', blob)).toThrow();
      expect(await trap.ran()).toEqual(['ran-program']);
    },
  );

  test('the trap works: git by itself runs the filter', async () => {
    await using origin = await gitRepo(FILES);
    await using trap = await setTrap();
    await using repo = await hostile(origin, trap);
    repo.git('config', '--unset', 'filter.evil.process');
    await utimes(join(repo.root, 'file'), 1, 1);
    repo.git('-c', 'core.fsmonitor=false', 'status');
    expect(await trap.ran()).toContain('ran-filter.evil.clean');
  });

  test('what the user has configured stays in force', () => {
    const listing = [
      ['global', 'credential.helper\nstore'],
      ['global', 'filter.lfs.clean\ngit-lfs clean -- %f'],
      ['local', 'credential.helper\n!evil'],
      ['local', 'filter.lfs.clean\n!evil'],
      ['local', 'core.sshcommand\nevil'],
      ['local', 'alias.remote-evil\n!evil'],
      ['local', 'hook.evil.command\nevil'],
      ['local', 'user.name\nA U Thor'],
    ];
    expect(programOverrides(parseConfig(listing.flat().concat('').join('\0')))).toEqual([
      ...['-c', 'filter.lfs.clean=git-lfs clean -- %f'],
      ...['-c', 'core.sshcommand=ssh'],
      ...['-c', 'alias.remote-evil='],
      ...['-c', 'hook.evil.command=:'],
      ...['-c', 'credential.helper='],
      ...['-c', 'credential.helper=store'],
    ]);
  });

  test.each(['filter.a=b.clean', 'remote.origin.uploadpack', 'remote.origin.vcs'])(
    '%s cannot be overridden and is refused',
    async (key) => {
      await using repo = await gitRepo(FILES);
      repo.git('config', key, 'evil');
      const repository = await openRepository(processes, repo.root);
      const unsafe = { code: 'git-config-unsafe', exit: 2 };
      await expect(repository.changes()).rejects.toMatchObject(unsafe);
      await expect(repository.deepen()).rejects.toMatchObject(unsafe);
    },
  );
});
