import { join } from 'node:path';
import { type Dependencies, differs, type PackageManager } from '../package-manager.ts';

/** Nothing is downloaded, neither crates nor the toolchain that a file of the repository names. */
export const CARGO_ENVIRONMENT = {
  CARGO_NET_OFFLINE: 'true',
  CARGO_TERM_COLOR: 'never',
  RUSTUP_AUTO_INSTALL: '0',
};

/** Reads the lock file as cargo does; asks no server. */
const compare: Dependencies['compare'] = async (
  primitive,
  lock,
  { processes, tree, signal, limit },
  cargo,
) => {
  const { exitCode, stderr } = await processes.run(
    cargo,
    ['metadata', '--format-version=1', '--locked', '--offline', '--quiet'],
    {
      cwd: join(tree.root, primitive.path),
      env: CARGO_ENVIRONMENT,
      signal,
      timeout: limit,
      stdout: () => {},
    },
  );
  // A crate that is not there yet is the suites' to report.
  if (exitCode === 0 || !NEEDS_UPDATE.test(stderr)) return undefined;
  const wanted = /no matching package named `([^`]+)` found/.exec(stderr)?.[1];
  const locked = new TextDecoder().decode(await tree.read(lock.path));
  if (wanted !== undefined && locked.includes(`\nname = "${wanted}"\n`)) return undefined;
  const [line = ''] = stderr.split('\n').filter((text) => text.startsWith('error: '));
  const why = line.replace('error: ', '').replaceAll(`${tree.root}/`, '');
  return differs(primitive, lock, { manifest: 'Cargo.toml', why, fix: 'cargo update --workspace' });
};

/** What the lock file lacks is looked for in the index, which is not there offline. */
const NEEDS_UPDATE =
  /--locked was passed to prevent this|no matching package named|failed to select a version/;

export const cargoLock: PackageManager<'cargo'> = {
  name: 'cargo',
  lock: 'Cargo.lock',
  hasWorkspaces: true,
  program: 'cargo',
  dependencies: {
    installs: () => [['cargo', 'fetch', '--locked']],
    compare,
    // cargo checks its own when it compiles the tests.
    fault: async () => undefined,
  },
};
