import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { OWN_PACKAGE } from '../../core/package.ts';
import { KIT_FILE, parseKit } from '../../gitops/kit.ts';
import { type CliSource, cliSource, type NpmPort } from '../../toolchain/cli-package.ts';
import type { KitOrigin } from './settings.ts';
import { type CodeSource, isFolder, readCode } from './source.ts';
import { type SourceChange, withKey, withSource } from './source-edit.ts';

/** Ports to find out what code repositories say of themselves. */
export interface SourcePorts {
  /** Absolute, links resolved. */
  readonly cwd: string;
  /** Of this CLI. */
  readonly version: string;
  origin(root: string): Promise<KitOrigin>;
  /** Lends npm for as long as `use` takes. */
  withNpm<T>(use: (npm: NpmPort) => Promise<T>): Promise<T>;
  readonly emit: Emit;
}

/** Those values of `--code` that are folders of checkouts, read. Throws what {@link readCode} throws. */
export async function readSources(
  code: readonly string[] | undefined,
  ports: SourcePorts,
): Promise<readonly CodeSource[]> {
  const read: CodeSource[] = [];
  for (const folder of (code ?? []).filter(isFolder)) read.push(await readCode(folder, ports));
  return read;
}

/**
 * A kit.yaml with `sources` as those repositories have them, and with `cli` if it has none. Warns if the integrity of this
 * version is not known. Throws `kit-source-edit` (exit 2), and what {@link parseKit} throws of the given text.
 */
export async function withSources(
  settings: string,
  code: readonly CodeSource[],
  ports: SourcePorts,
): Promise<{ readonly text: string; readonly changes: readonly SourceChange[] }> {
  if (code.length === 0) return { text: settings, changes: [] };
  const { cli } = await parseKit(settings);
  let text = settings;
  const changes: SourceChange[] = [];
  for (const { source } of code) {
    const edited = withSource(text, source);
    text = edited.text;
    changes.push(edited.change);
  }
  if (cli !== undefined) return { text, changes };
  const found = await findCli(code, ports);
  if (found === undefined) {
    const message = `The integrity of ${OWN_PACKAGE} ${ports.version} is not known here: ${KIT_FILE} has no \`cli\`, so nothing moves releases or checks them yet.`;
    ports.emit({ type: 'warning', code: 'kit-cli-unknown', message });
    return { text, changes };
  }
  const comment = '# The primitive that moves releases and checks them, by its integrity.';
  return { text: withKey(text, 'cli', found, comment), changes };
}

/** As the lock files have it, or npm. A package that is committed there is not in this repository. */
async function findCli(
  code: readonly CodeSource[],
  { version, withNpm }: SourcePorts,
): Promise<CliSource | undefined> {
  for (const lock of [...code.map((each) => each.lock), undefined]) {
    const found = await withNpm((npm) => cliSource(version, lock, npm)).catch((error: unknown) => {
      if (error instanceof PrimitiveError && error.code === 'init-integrity-unknown') return undefined;
      throw error;
    });
    if (found === undefined || found.file !== undefined) continue;
    // Credentials go to no registry without TLS.
    if (found.registry?.startsWith('https://') !== false) return found;
  }
  return undefined;
}
