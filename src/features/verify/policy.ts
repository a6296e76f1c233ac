import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, posix, relative, sep } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { REPOSITORY_KINDS } from '../../kinds/kind.ts';
import { openAllKinds } from '../../kinds/packages.ts';
import { parseConfig } from '../../repository/config.ts';
import type { ConfigLocation } from '../../repository/discovery.ts';
import type { Policy, VerifyPorts, VerifyRequest } from './ports.ts';
import { SUPPRESSIONS } from './suppressions.ts';
import type { Snapshot, WorkTree } from './work-tree.ts';

/** Ports for reading a policy. */
export interface PolicyPlace {
  readonly location: ConfigLocation;
  /** Of this program. */
  readonly version: string;
  readonly plugins: readonly { readonly name: string; readonly folder: string }[];
  /** One that does not exist yet, for kinds. */
  readonly folder: string;
}

/**
 * Reads config and kinds from a revision.
 *
 * Throws `revision-unknown`, `policy-missing`, and what a config or kind throws (exit 2).
 */
export async function readPolicy(revision: string, tree: WorkTree, from: PolicyPlace): Promise<Policy> {
  const { location, version, plugins, folder } = from;
  const files = await tree.at(revision);
  const path = inTree(tree, location.path);
  const bytes = await files.read(path);
  if (bytes === undefined) {
    throw new PrimitiveError('policy-missing', `${path} not found in ${JSON.stringify(revision)}.`, {
      why: '--policy-from takes config, kinds, suppressions and baseline from that revision',
      suggestions: ['Merge the config first, or verify without --policy-from.'],
    });
  }
  const text = new TextDecoder().decode(bytes);
  const config = await parseConfig({ text, shown: `${revision}:${path}`, root: location.root }, version);
  const own = join(folder, REPOSITORY_KINDS);
  await writeKinds(files, posix.join(posix.dirname(path), REPOSITORY_KINDS), own);
  return { revision, files, config, kinds: await openAllKinds(config.plugins, location, plugins, own) };
}

/** Writes the kinds of a revision, without links: a kind is read without following any. */
async function writeKinds(files: Snapshot, prefix: string, folder: string): Promise<void> {
  for (const path of await files.list()) {
    // A tree can be made by hand.
    if (!path.startsWith(prefix) || path.split('/').includes('..')) continue;
    const bytes = await files.read(path);
    if (bytes === undefined) continue;
    const target = join(folder, path.slice(prefix.length));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, bytes);
  }
}

function inTree({ root }: Snapshot, path: string): string {
  return relative(root, path).split(sep).join('/');
}

/**
 * Files that decide how the repository is judged and that this change has changed: those that differ from the revision
 * that the policy is from, or else since the one of `--changed-since`. Sorted; empty without either.
 */
export async function policyChanges(
  { changedSince }: VerifyRequest,
  {
    tree,
    config,
    location,
    policy,
    baseline,
  }: Pick<VerifyPorts, 'tree' | 'config' | 'location' | 'policy' | 'baseline'>,
): Promise<readonly string[]> {
  const own = inTree(tree, location.path);
  const kinds = posix.join(posix.dirname(own), REPOSITORY_KINDS);
  const beside = (path: string, name: RegExp) =>
    posix.dirname(path) === posix.dirname(own) && name.test(posix.basename(path));
  const isPolicy = (path: string) =>
    [own, posix.join(posix.dirname(own), SUPPRESSIONS), baseline?.path].includes(path) ||
    path.startsWith(kinds) ||
    (config.plugins.length > 0 && beside(path, /^(?:package|package-lock|npm-shrinkwrap)\.json$/));
  if (policy !== undefined) {
    const paths = new Set([...(await tree.list()), ...(await policy.files.list())].filter(isPolicy));
    const differs = await Promise.all(
      [...paths].map(async (path) => {
        const [here, there] = await Promise.all([tree.read(path), policy.files.read(path)]);
        return here === undefined || there === undefined ? here !== there : Buffer.compare(here, there) !== 0;
      }),
    );
    return [...paths].filter((_, i) => differs[i]).sort();
  }
  return changedSince === undefined ? [] : (await tree.changedSince(changedSince)).filter(isPolicy);
}
