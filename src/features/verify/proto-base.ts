import { PrimitiveError } from '../../core/errors.ts';
import type { Config } from '../../repository/config.ts';
import type { PastTree, WorkTree } from './work-tree.ts';

/** The commit of the channel's newest release, or why it is not known: half a sentence. */
export type Released = { readonly commit: string } | { readonly why: string };

/** The base that the work tree is compared with. */
export interface ProtoBase {
  readonly tree: PastTree;
  /** `release main`, or `merge base with origin/main`. */
  readonly what: string;
  /** Why it is not a release: half a sentence; null if it is. */
  readonly why: string | null;
}

export interface BasePorts {
  readonly tree: Pick<WorkTree, 'at' | 'before'>;
  readonly config: Pick<Config, 'channel'>;
  released(): Promise<Released>;
  /** The revision that CI says is the target, if it says one. */
  readonly target?: string | undefined;
}

/**
 * The commit that consumers were made for: that of the channel's newest release, or its merge base with HEAD; else the merge
 * base of HEAD with the branch of the channel. `none`: nothing is committed yet. Otherwise why there is none.
 */
export async function findProtoBase(
  changedSince: string | undefined,
  { tree, config: { channel }, released, target }: BasePorts,
): Promise<ProtoBase | 'none' | { readonly missing: string }> {
  if ((await known(tree.at('HEAD'))) === undefined) return 'none';
  const release = await released();
  const past = 'commit' in release ? await known(tree.before(release.commit)) : undefined;
  if (past !== undefined) return { tree: past, what: `release ${channel.tag}`, why: null };
  const why =
    'why' in release ? release.why : `commit ${release.commit.slice(0, 12)} of it is not in this clone`;
  for (const [revision, shown] of candidates(channel.branch, changedSince ?? target)) {
    const fork = await known(tree.before(revision));
    if (fork !== undefined) return { tree: fork, what: `merge base with ${shown}`, why };
  }
  return { missing: `release ${channel.tag}: ${why}; branch ${channel.branch} is not in this clone either` };
}

function candidates(branch: string, given: string | undefined): readonly (readonly [string, string])[] {
  return [
    ...(given === undefined ? [] : [[given, given.replace(/^refs\/(?:remotes|heads)\//, '')] as const]),
    [`refs/remotes/origin/${branch}`, `origin/${branch}`],
    [`refs/heads/${branch}`, branch],
    ['refs/remotes/origin/HEAD', 'origin/HEAD'],
  ];
}

/** Undefined for a revision that this clone does not have. */
async function known(tree: Promise<PastTree>): Promise<PastTree | undefined> {
  try {
    return await tree;
  } catch (error) {
    if (error instanceof PrimitiveError && error.exit === 2) return undefined;
    throw error;
  }
}
