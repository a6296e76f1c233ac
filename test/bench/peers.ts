import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/services/run.ts';

/** A program that `verify` is compared with. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Gets it into a folder, without touching the repository. */
  readonly get: (folder: string) => Promise<unknown>;
  readonly program: (folder: string) => readonly [program: string, ...args: string[]];
}

const goTool = (name: string, module: string, version: string): Peer => ({
  name,
  version,
  get: (folder) => run('go', ['install', `${module}@v${version}`], { env: { GOBIN: folder, GOFLAGS: '' } }),
  program: (folder) => [join(folder, name)],
});

export const gitleaks = goTool('gitleaks', 'github.com/zricethezav/gitleaks/v8', '8.30.1');
export const depguard = goTool('depguard', 'github.com/OpenPeeDeeP/depguard/v2/cmd/depguard', '2.3.0');

export const dependencyCruiser: Peer = {
  name: 'dependency-cruiser',
  version: '18.7.2',
  get: async (folder) => {
    await writeFile(join(folder, 'package.json'), '{ "private": true }');
    const packages = [`dependency-cruiser@${dependencyCruiser.version}`, 'typescript@5.9.3'];
    await run('npm', ['install', '--no-audit', '--no-fund', ...packages], { cwd: folder });
  },
  program: (folder) => [
    process.execPath,
    join(folder, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs'),
  ],
};

export const importLinter: Peer = {
  name: 'import-linter',
  version: '2.16',
  get: async (folder) => {
    await run('python3', ['-m', 'venv', folder]);
    await run(join(folder, 'bin/pip'), ['install', '--quiet', `import-linter==${importLinter.version}`]);
  },
  program: (folder) => [join(folder, 'bin/lint-imports'), '--no-cache'],
};

/** The program of a peer; it stays for the next time, because some take minutes to build. */
export async function openPeer(peer: Peer): Promise<readonly [program: string, ...args: string[]]> {
  const folder = join(tmpdir(), 'bench-peers', `${peer.name}-${peer.version}`);
  const complete = join(folder, 'complete');
  if (!existsSync(complete)) {
    await mkdir(folder, { recursive: true });
    await peer.get(folder);
    await writeFile(complete, '');
  }
  return peer.program(folder);
}
