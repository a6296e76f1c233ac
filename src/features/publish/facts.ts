import pLimit from 'p-limit';
import type { Digest } from '../../core/digest.ts';
import { optional } from '../../core/object.ts';
import type { Registry } from '../../oci/registry.ts';
import type { Manifest } from '../../oci/types.ts';
import type { History } from '../../repository/history.ts';
import type { ComponentInputs } from '../../repository/inputs.ts';
import { checkAgainstRecord, inspectSeal } from '../../seal/inspect.ts';
import { type RecordState, underCommit, verifyRecord } from '../../seal/record.ts';
import type { SealContext } from '../../seal/search.ts';
import { scopedTo, type TrustPolicy, tierOf } from '../../seal/trust.ts';
import type { ReleaseComponent } from '../../seal/types.ts';
import type { BundleVerifier } from '../../seal/verifier.ts';
import type { CurrentTag } from './decide.ts';
import type { Run, SealedImage } from './document.ts';
import type { ComponentFacts, PublishFacts } from './plan.ts';
import { expectedImage, readTag } from './sealed-image.ts';

/** Places of the release records that may vouch for images. */
export interface RecordsInput extends Pick<PublishFacts, 'commit' | 'releases'> {
  /** Host and path that all images begin with: `ghcr.io/acme`. */
  readonly registryPrefix: string;
  readonly channel: Pick<PublishFacts['channel'], 'tag' | 'branch'>;
}

/** The records under the commit and under the channel. */
export interface ReleaseRecords {
  readonly commit: RecordState;
  readonly channel: RecordState;
}

/** Facts known before the registry is asked for images. */
export interface FactsInput extends RecordsInput, Pick<PublishFacts, 'source' | 'run' | 'tags' | 'whole'> {
  readonly inputs: readonly ComponentInputs[];
  readonly sealOnly: boolean;
}

/** Sources of the facts. `policy` knows every signer of the config. */
export interface PublishFactPorts {
  readonly registry: Registry;
  readonly verifier: BundleVerifier;
  readonly policy: TrustPolicy;
  readonly history: History;
}

/** Leaves connections for the records, whose requests wait for each other. */
const HEADS_AT_A_TIME = 60;

/** Reads the record of the commit and that of the channel, once if both are the same. */
export async function readRecords(
  { commit, registryPrefix, releases, channel }: RecordsInput,
  ports: SealContext,
): Promise<ReleaseRecords> {
  const verify = (manifest: Manifest | undefined) =>
    verifyRecord(ports, releases, manifest, { registry: registryPrefix });
  // The channel's first, as its verification takes longest: the first request to a host goes alone.
  const other = ports.registry.getManifest(releases, channel.tag);
  const own = ports.registry.getManifest(releases, commit);
  const verifying = other.then(verify);
  const [atChannel, found] = await Promise.all([
    verifying,
    Promise.all([own, other]).then(([mine, theirs]) =>
      mine?.digest === theirs?.digest ? verifying : verify(mine),
    ),
  ]);
  return { commit: underCommit(found, commit), channel: atChannel };
}

/**
 * Reads what planning needs: per component what `:<sha>` names, and a sealed image of the same inputs. If a trusted
 * record lists that image, its bundles are not read again: their digests are compared.
 *
 * Deepens a shallow clone only if the channel cannot be decided otherwise. Throws what the registry, the verifier and
 * git throw.
 */
export async function gatherFacts(
  input: FactsInput,
  reading: Promise<ReleaseRecords>,
  ports: PublishFactPorts,
): Promise<PublishFacts> {
  const limit = pLimit(HEADS_AT_A_TIME);
  const readComponent = async (inputs: ComponentInputs) => {
    const { repository } = inputs.component;
    const head = await limit(() => ports.registry.headManifest(repository, input.commit));
    return new ComponentReader(input.run, await reading, ports).read(inputs, head?.digest);
  };
  const [records, components, behind] = await Promise.all([
    reading,
    Promise.all(input.inputs.map(readComponent)),
    reading.then(({ channel }) => isBehind(input, channel, ports.history)),
  ]);
  return {
    commit: input.commit,
    ...optional('source', input.source),
    run: input.run,
    tags: input.tags,
    components,
    whole: input.whole,
    releases: input.releases,
    commitRecord: records.commit,
    channel: { ...input.channel, record: records.channel, ...optional('behind', behind) },
  };
}

/** Whether the commit of the channel is an ancestor of the one to publish; undefined if it is not needed. */
async function isBehind(
  { run, channel, commit, whole, sealOnly }: FactsInput,
  record: RecordState,
  history: History,
): Promise<'yes' | 'no' | 'unknown' | undefined> {
  if (!whole || sealOnly || run.tier !== 'trusted' || run.branch !== channel.branch) return undefined;
  if (record.state !== 'found' || record.tier !== 'trusted' || record.record.commit === commit)
    return undefined;
  const from = record.record.commit;
  const known = await history.isAncestor(from, commit);
  if (known !== 'unknown') return known;
  await history.deepen();
  return history.isAncestor(from, commit);
}

/** A sealed image of a component's inputs, or why there is none. */
type Lookup = { readonly baseline: NonNullable<ComponentFacts['baseline']> } | { readonly missed: string };

/** A record that this run relies on. */
type Usable = Extract<RecordState, { state: 'found' }>;

class ComponentReader {
  readonly #records: ReleaseRecords;
  /** Counts any signer that the config knows: for what the tag of the commit names. */
  readonly #known: SealContext;
  /** Counts only signers whose images this run may reuse. */
  readonly #reusable: SealContext;

  constructor(run: Run, records: ReleaseRecords, { registry, verifier, policy }: PublishFactPorts) {
    this.#records = records;
    this.#known = { registry, verifier, policy };
    this.#reusable = { registry, verifier, policy: scopedTo(policy, run.signer) };
  }

  async read(inputs: ComponentInputs, head: Digest | undefined): Promise<ComponentFacts> {
    const { commit, channel } = this.#records;
    const own = this.#isUsable(commit) ? commit : undefined;
    const published = own && entryOf(own, inputs);
    if (own && published && head === published.digest)
      return { inputs, current: { sealed: true, image: recordedImage(published, own) } };
    const recorded = await this.#recorded(inputs, published ? commit : channel);
    const found = 'baseline' in recorded ? recorded : await this.#atInputTag(inputs, recorded);
    const baseline = 'baseline' in found ? found.baseline : undefined;
    const current = head && (await this.#current(inputs, head, baseline?.image));
    return { inputs, ...optional('current', current), ...found };
  }

  /** A record vouches for images that are not inspected again: like those, it must be by a signer that counts for reuse. */
  #isUsable(record: RecordState): record is Usable {
    return record.state === 'found' && tierOf(record.signer, this.#reusable.policy) !== undefined;
  }

  /** The image that a record lists for these inputs. */
  async #recorded(inputs: ComponentInputs, record: RecordState): Promise<Lookup> {
    if (record.state === 'absent') return { missed: 'no release to compare with' };
    if (record.state === 'untrusted')
      return { missed: `the release record is not trusted: ${record.detail}` };
    if (!this.#isUsable(record))
      return { missed: 'the release record was written by a signer that this run does not rely on' };
    const entry = entryOf(record, inputs);
    if (!entry) return { missed: `inputs changed since the release of ${record.record.commit.slice(0, 12)}` };
    const image = await checkAgainstRecord(this.#known.registry, entry);
    if (!image.intact) return { missed: `the released image is not intact: ${image.detail}` };
    return {
      baseline: {
        found: 'release',
        commit: record.record.commit,
        image: recordedImage(entry, record),
        manifest: image.manifest,
      },
    };
  }

  /** The image that the input tag names; if there is none, the reason is that of the record. */
  async #atInputTag(inputs: ComponentInputs, recorded: Lookup): Promise<Lookup> {
    const { repository } = inputs.component;
    const manifest = await this.#known.registry.getManifest(repository, `in-${inputs.inputDigest}`);
    if (!manifest) return recorded;
    const state = await inspectSeal(this.#reusable, repository, manifest, expectedImage(inputs));
    if (!state.sealed) return { missed: `the image of these inputs cannot be reused: ${state.detail}` };
    return { baseline: { found: 'input-tag', image: state.image, manifest } };
  }

  async #current(
    { component }: ComponentInputs,
    digest: Digest,
    baseline: SealedImage | undefined,
  ): Promise<CurrentTag> {
    if (baseline?.digest === digest) return { sealed: true, image: baseline };
    return readTag(this.#known, component, digest);
  }
}

/** The entry of a record for exactly these inputs under exactly this image. */
function entryOf(
  { record }: Usable,
  { component, inputDigest }: ComponentInputs,
): ReleaseComponent | undefined {
  return record.components.find(
    (entry) =>
      entry.image === component.repository &&
      entry.kind === component.kind &&
      entry.name === component.name &&
      entry.inputDigest === inputDigest,
  );
}

function recordedImage({ digest, inputDigest, bundles, platforms }: ReleaseComponent, { tier }: Usable) {
  return { digest, inputDigest, tier, bundles, platforms } satisfies SealedImage;
}
