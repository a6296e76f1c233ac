import { createProcesses } from '../../src/adapters/process.ts';
import type { Digest } from '../../src/core/digest.ts';
import { createRegistryClient, type RegistryClient } from '../../src/oci/client.ts';
import type { ImageRepository } from '../../src/oci/types.ts';
import { inspectSeal } from '../../src/seal/inspect.ts';
import { type RecordState, readRecord } from '../../src/seal/record.ts';
import type { SealContext } from '../../src/seal/search.ts';
import type { TrustPolicy } from '../../src/seal/trust.ts';
import type { SealState } from '../../src/seal/types.ts';
import type { BundleVerifier } from '../../src/seal/verifier.ts';

const COMMIT = /^[0-9a-f]{40}$/;

/** Everything under one path of a real registry, judged from outside of a publish. */
export interface Observed {
  /** `127.0.0.1:5000/app-1`; plain HTTP. */
  readonly prefix: string;
  /** `domain/orders` */
  readonly ids: readonly string[];
  readonly verifier: BundleVerifier;
  readonly policy: TrustPolicy;
  /** Digests that a test put there as somebody else. */
  readonly foreign?: ReadonlySet<string>;
  /** Tags with their digests that were found right before, and are not looked at again; those found right are added. */
  readonly known?: Set<string>;
}

/**
 * What breaks the promise of publish, one sentence each: every tag of a component names a sealed image, an input tag
 * one of these inputs; every record is signed and lists what the tags of its commit name.
 */
export function brokenPromisesAt(observed: Observed): Promise<string[]> {
  return withClient(observed, async (context) => {
    const images = await Promise.all(observed.ids.map((id) => brokenTags(context, observed, id)));
    return [...images.flat(), ...(await brokenRecords(context, observed))];
  });
}

/** The record under a tag, as any signer of the policy vouches for it. */
export function recordAt(observed: Observed, reference: string): Promise<RecordState> {
  return withClient(observed, (context) =>
    readRecord(context, releasesOf(observed), reference, { registry: observed.prefix }),
  );
}

/** What any signer of the policy says about an image. */
export function sealAt(observed: Observed, id: string, reference: string): Promise<SealState | 'absent'> {
  return withClient(observed, async (context) => {
    const manifest = await context.registry.getManifest(repositoryOf(observed, id), reference);
    return manifest ? inspectSeal(context, repositoryOf(observed, id), manifest) : 'absent';
  });
}

async function withClient<T>(observed: Observed, work: (context: SealContext) => Promise<T>): Promise<T> {
  const registry: RegistryClient = createRegistryClient({ processes: createProcesses({}), credentials: {} });
  try {
    return await work({ registry, verifier: observed.verifier, policy: observed.policy });
  } finally {
    await registry.close();
  }
}

async function brokenTags(context: SealContext, observed: Observed, id: string): Promise<string[]> {
  const repository = repositoryOf(observed, id);
  const broken: string[] = [];
  for (const [tag, digest] of Object.entries(await tagsAt(context, repository))) {
    const name = `${id}:${tag}@${digest}`;
    if (observed.foreign?.has(digest) || observed.known?.has(name)) continue;
    const state = await inspectSeal(context, repository, digest, { checkChildren: true });
    if (!state.sealed) broken.push(`${id}:${tag} names ${digest}, not sealed: ${state.detail}`);
    else if (tag.startsWith('in-') && tag !== `in-${state.image.inputDigest}`)
      broken.push(`${id}:${tag} points to an image of other inputs`);
    else observed.known?.add(name);
  }
  return broken;
}

async function brokenRecords(context: SealContext, observed: Observed): Promise<string[]> {
  const releases = releasesOf(observed);
  const broken: string[] = [];
  for (const [tag, digest] of Object.entries(await tagsAt(context, releases))) {
    const name = `${releases}:${tag}@${digest}`;
    if (observed.foreign?.has(digest) || observed.known?.has(name)) continue;
    const found = await readRecord(context, releases, tag, { registry: observed.prefix });
    if (found.state !== 'found') {
      broken.push(`the record ${tag} is ${found.state}`);
      continue;
    }
    const { commit, components } = found.record;
    const before = broken.length;
    if (COMMIT.test(tag) && commit !== tag) broken.push(`${tag} has the record of ${commit}`);
    for (const { image, digest: listed } of components) {
      const standing = await context.registry.headManifest(image as ImageRepository, commit);
      if (standing?.digest !== listed)
        broken.push(
          `the record of ${commit} lists ${listed} for ${image}, its tag names ${standing?.digest}`,
        );
    }
    if (broken.length === before) observed.known?.add(name);
  }
  return broken;
}

/** Tag to digest by the registry's own list, without fallback indexes of referrers; empty where there is no such repository. */
async function tagsAt(
  { registry }: SealContext,
  repository: ImageRepository,
): Promise<Record<string, Digest>> {
  const [host, ...path] = repository.split('/');
  const response = await fetch(`http://${host}/v2/${path.join('/')}/tags/list`);
  const body = response.ok
    ? ((await response.json()) as { readonly tags: readonly string[] | null })
    : { tags: [] };
  const entries = await Promise.all(
    (body.tags ?? [])
      .filter((tag) => !tag.startsWith('sha256-'))
      .sort()
      .map(async (tag) => [tag, (await registry.headManifest(repository, tag))?.digest]),
  );
  return Object.fromEntries(entries.filter(([, digest]) => digest !== undefined));
}

function repositoryOf({ prefix }: Observed, id: string): ImageRepository {
  return `${prefix}/${id.replace('/', '-')}` as ImageRepository;
}

function releasesOf({ prefix }: Observed): ImageRepository {
  return `${prefix}/primitive-releases` as ImageRepository;
}
