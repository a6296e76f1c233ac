import type { Digest } from '../../src/core/digest.ts';
import type { ReleaseRecord } from '../../src/seal/types.ts';
import type { Fault, Operation } from './memory-registry.ts';
import type { PublishWorld } from './publish-world.ts';

const COMMIT = /^[0-9a-f]{40}$/;
const RELEASES = 'primitive/releases';

/** What breaks the promise of publish, one sentence each; empty where it holds. */
export async function brokenPromises(world: PublishWorld): Promise<string[]> {
  const ids = world.registry.repositories().map(idOf);
  const images = await Promise.all(ids.filter((id) => id !== RELEASES).map((id) => brokenTags(world, id)));
  return [...images.flat(), ...(await brokenRecords(world))];
}

/** Every tag names a sealed image; an input tag names one of these inputs. */
async function brokenTags(world: PublishWorld, id: string): Promise<string[]> {
  const broken: string[] = [];
  for (const [tag, digest] of Object.entries(world.registry.tags(world.repository(id)))) {
    if (world.foreign.has(digest)) continue;
    const state = await world.inspect(id, digest);
    if (state === 'absent' || !state.sealed) {
      broken.push(`${id}:${tag} names ${digest}, not sealed: ${state === 'absent' ? state : state.detail}`);
    } else if (tag.startsWith('in-') && tag !== `in-${state.image.inputDigest}`) {
      broken.push(`${id}:${tag} points to an image of other inputs`);
    }
  }
  return broken;
}

/** Every record is signed, stands under its own commit, and every tag of that commit names what it lists. */
async function brokenRecords(world: PublishWorld): Promise<string[]> {
  const broken: string[] = [];
  for (const [tag, digest] of Object.entries(world.registry.tags(world.releases))) {
    if (world.foreign.has(digest)) continue;
    const found = await world.record(tag);
    if (found.state !== 'found') broken.push(`the record ${tag} is ${found.state}`);
    else if (COMMIT.test(tag) && found.record.commit !== tag)
      broken.push(`${tag} has the record of ${found.record.commit}`);
    else broken.push(...strayTags(world, found.record));
  }
  return broken;
}

function strayTags(world: PublishWorld, { commit, components }: ReleaseRecord): string[] {
  return components.flatMap(({ kind, name, digest }) => {
    const standing = world.registry.tags(world.repository(`${kind}/${name}`))[commit];
    return standing === digest
      ? []
      : [`the record of ${commit} lists ${digest} for ${kind}/${name}, its tag names ${standing}`];
  });
}

/**
 * Watches a world while it works: before every operation, looks whether a tag of a commit that named an image sealed by
 * a trusted signer names another one now. Returns the violations, which grow as they happen.
 */
export function watchTags(
  world: PublishWorld,
  then: (operation: Operation) => Fault | undefined | Promise<Fault | undefined> = () => undefined,
): string[] {
  const violations: string[] = [];
  const trusted = new Map<string, Digest>();
  world.registry.hook(async (operation) => {
    violations.push(...(await replaced(world, idOf(operation.repository), trusted)));
    return then(operation);
  });
  return violations;
}

async function replaced(world: PublishWorld, id: string, trusted: Map<string, Digest>): Promise<string[]> {
  if (id === RELEASES) return [];
  const violations: string[] = [];
  for (const [tag, digest] of Object.entries(world.registry.tags(world.repository(id)))) {
    const name = `${id}:${tag}`;
    const before = trusted.get(name);
    if (!COMMIT.test(tag) || before === digest) continue;
    if (before)
      violations.push(`${name} named ${before}, sealed by a trusted signer, and names ${digest} now`);
    const state = await world.inspect(id, digest);
    if (state !== 'absent' && state.sealed && state.image.tier === 'trusted') trusted.set(name, digest);
  }
  return violations;
}

/** `127.0.0.1:5000/acme/domain-orders` -> `domain/orders`. */
function idOf(repository: string): string {
  return repository.slice(repository.lastIndexOf('/') + 1).replace('-', '/');
}
