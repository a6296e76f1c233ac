import type { Digest } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import type { ImageRepository, Manifest } from '../../oci/types.ts';
import { readRecord } from '../../seal/record.ts';
import type { PlannedChannel } from './document.ts';
import type { Execution } from './execution.ts';

/** How often the channel is read again after another publisher wrote it. */
const ATTEMPTS = 4;

/**
 * Moves the channel to the record of this commit, if the plan says so and it still would be a move forward.
 *
 * The channel is read again right before and after: a newer commit that got there first is left alone. Throws an abort
 * before it begins, and `release-gone` (exit 1, retryable) if the record was deleted.
 */
export async function moveChannel(
  committed: { readonly digest: Digest; readonly manifest?: Manifest },
  execution: Execution,
): Promise<PlannedChannel & { readonly moved: boolean }> {
  const { plan, seal, tree, signal, emit } = execution;
  const { channel, record, commit } = plan;
  signal.throwIfAborted();
  const intent = channel.action === 'move' ? 'Moving the channel' : 'Leaving the channel';
  emit({ type: 'step', step: 'channel', message: `${intent} ${channel.tag}: ${channel.reason}` });
  if (channel.action !== 'move') return { ...channel, moved: false };
  const { registry } = seal;
  let moved = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const current = (await registry.headManifest(record.repository, channel.tag))?.digest;
    if (current === committed.digest) return { ...channel, moved };
    // Only the record that the plan found may be replaced; any other is newer and must be of an earlier commit.
    const other =
      current === channel.existing ? undefined : await commitAt(record.repository, current, execution);
    if (other !== undefined && (await tree.isAncestor(other, commit)) !== 'yes') {
      return {
        ...channel,
        moved: false,
        from: other,
        reason: `another run moved it to ${other.slice(0, 12)} meanwhile`,
      };
    }
    await registry.putManifest(
      record.repository,
      channel.tag,
      await recordManifest(record.repository, committed, execution),
    );
    moved = true;
  }
  return { ...channel, moved: false, reason: 'other runs keep moving it' };
}

async function recordManifest(
  repository: ImageRepository,
  { digest, manifest }: { readonly digest: Digest; readonly manifest?: Manifest },
  { seal }: Execution,
): Promise<Manifest> {
  const found = manifest ?? (await seal.registry.getManifest(repository, digest));
  if (found) return found;
  throw new PrimitiveError('release-gone', `Release record ${repository}@${digest} not found.`, {
    why: 'It was deleted after the plan was made.',
    suggestions: ['Run the command again: it writes the record again.'],
    exit: 1,
    retryable: true,
  });
}

/** The commit of the trusted record under a digest; undefined for anything that does not count. */
async function commitAt(
  repository: ImageRepository,
  digest: Digest | undefined,
  { seal, registryPrefix }: Execution,
): Promise<string | undefined> {
  if (digest === undefined) return undefined;
  const other = await readRecord(seal, repository, digest, { registry: registryPrefix });
  return other.state === 'found' && other.tier === 'trusted' ? other.record.commit : undefined;
}
