import pLimit from 'p-limit';
import { formatPlatform } from '../../oci/manifest.ts';
import type { Registry } from '../../oci/registry.ts';
import type { Digest, Manifest, Repository } from '../../oci/types.ts';
import {
  checkAgainstRecord,
  type Expected,
  inspectSeal,
  type RecordedImage,
  type SealContext,
} from '../../seal/inspect.ts';
import { openRecord, type RecordReading, type RecordState, underCommit } from '../../seal/record.ts';
import { scopedTo, type TrustPolicy, tierOf } from '../../seal/trust.ts';
import type { ReleaseComponent, ReleaseRecord, SealState } from '../../seal/types.ts';
import type { BundleVerifier } from '../../seal/verifier.ts';
import type { History } from '../../workspace/history.ts';
import type { ComponentInputs } from '../../workspace/inputs.ts';
import type { ComponentFacts, CurrentTag, Facts, RecordFacts, Run, SealedImage } from './plan.ts';

/** Where the records are read that may vouch for components. */
export interface RecordsInput {
  readonly commit: string;
  readonly policy: TrustPolicy;
  /** Host and path under which all images stand. */
  readonly registryPrefix: string;
  readonly releases: Repository;
  readonly channel: { readonly tag: string };
}

/** The two records that planning knows of, being read. */
export interface ReleaseRecords {
  readonly commit: Promise<RecordReading>;
  readonly channel: Promise<RecordReading>;
}

/** What the facts of a publish are read from. */
export interface FactPorts {
  readonly registry: Registry;
  readonly verifier: BundleVerifier;
  readonly history: History;
  readonly records: ReleaseRecords;
}

/** What is known before the registry is asked. */
export interface FactsInput extends RecordsInput {
  readonly source?: string;
  readonly run: Run;
  readonly tags: readonly string[];
  /** The selected components with their inputs. */
  readonly inputs: readonly ComponentInputs[];
  readonly whole: boolean;
  /** Stops before the tags: then nobody needs to know whether the channel may move. */
  readonly sealOnly: boolean;
  readonly channel: { readonly tag: string; readonly branch: string };
}

/** The facts, and the manifests that were read on the way: content-addressed, so that execute need not ask again. */
export interface GatheredFacts {
  readonly facts: Facts;
  readonly manifests: ReadonlyMap<Digest, Manifest>;
}

/**
 * Begins to read the record of the commit and the record of the channel: that takes several requests one after the
 * other, and needs nothing that is found out locally meanwhile. Where both are the same one it is read once.
 */
export function readRecords(
  { commit, policy, registryPrefix, releases, channel }: RecordsInput,
  { registry, verifier }: Pick<FactPorts, 'registry' | 'verifier'>,
): ReleaseRecords {
  const open = (manifest: Manifest | undefined) =>
    openRecord({ registry, verifier, policy }, releases, manifest, { registry: registryPrefix });
  // The channel first: there is more to be read behind it.
  const other = registry.getManifest(releases, channel.tag);
  const found = registry.getManifest(releases, commit).then(open);
  const records = {
    commit: found.then((reading): RecordReading => {
      const state = reading.state.then((known) => underCommit(known, commit));
      state.catch(() => undefined);
      return { ...reading, state };
    }),
    channel: Promise.all([found, other]).then(([reading, manifest]) =>
      manifest && manifest.digest === reading.digest ? reading : open(manifest),
    ),
  };
  for (const reading of Object.values(records)) reading.catch(() => undefined);
  return records;
}

/** Components that are looked up at a time: enough to keep a registry busy, few enough for others to get a turn. */
const LOOKUPS_AT_A_TIME = 64;

/**
 * Reads what planning needs: the records, and per component what `:<sha>` names and which sealed image has the same
 * inputs.
 *
 * Asks as little as it can, and all that it will need at once. Where a trusted record vouches for a component, its
 * bundles are not fetched again: their digests are compared. Deepens a shallow clone only where the channel cannot be
 * judged otherwise. Throws what the registry, the verifier and git throw.
 */
export async function gatherFacts(input: FactsInput, ports: FactPorts): Promise<GatheredFacts> {
  const reader = new FactReader(input, ports);
  const [components, [commitFacts, channelFacts, behind]] = await Promise.all([
    Promise.all(input.inputs.map((inputs) => reader.component(inputs))),
    reader.records(),
  ]);
  const facts: Facts = {
    commit: input.commit,
    ...(input.source === undefined ? {} : { source: input.source }),
    run: input.run,
    tags: input.tags,
    components,
    whole: input.whole,
    releases: input.releases,
    ...(commitFacts === undefined ? {} : { commitRecord: commitFacts }),
    channel: {
      ...input.channel,
      ...(channelFacts === undefined ? {} : { record: channelFacts }),
      ...(behind === undefined ? {} : { behind }),
    },
  };
  return { facts, manifests: reader.manifests };
}

/** What the channel's record lists for a component, looked up before it is known who signed that record. */
interface LookedAhead {
  readonly entry: ReleaseComponent;
  readonly image: RecordedImage;
}

class FactReader {
  readonly manifests = new Map<Digest, Manifest>();
  readonly #input: FactsInput;
  readonly #ports: FactPorts;
  /** Any signer that the config knows: judges what stands under the tag of the commit. */
  readonly #known: SealContext;
  /** Only signers whose images this run may reuse. */
  readonly #reusable: SealContext;
  readonly #limit = pLimit(LOOKUPS_AT_A_TIME);

  constructor(input: FactsInput, ports: FactPorts) {
    this.#input = input;
    this.#ports = ports;
    const { policy, run } = input;
    this.#known = { registry: ports.registry, verifier: ports.verifier, policy };
    this.#reusable = { ...this.#known, policy: scopedTo(policy, run.signer) };
  }

  async records() {
    const [commit, channel] = await Promise.all([this.#commitRecord(), this.#channelRecord()]);
    const channelFacts = recordFacts(channel);
    return [recordFacts(commit), channelFacts, await this.#behind(channelFacts)] as const;
  }

  async component(inputs: ComponentInputs): Promise<ComponentFacts> {
    const { component, inputDigest } = inputs;
    const platforms = component.build.platforms.map(formatPlatform).sort();
    const base = {
      kind: component.kind,
      name: component.name,
      path: component.path,
      image: component.repository,
      inputDigest,
      platforms,
    };
    const { tagged, ahead } = await this.#limit(() => this.#look(inputs));
    const [head, commitRecord] = await Promise.all([tagged, this.#commitRecord()]);
    const published = this.#listed(commitRecord, inputs);
    if (published && commitRecord.state === 'found' && head?.digest === published.digest)
      return { ...base, current: { sealed: true, image: fromRecord(published, commitRecord) } };
    const vouched = await this.#vouched(
      inputs,
      published ? commitRecord : await this.#channelRecord(),
      ahead,
    );
    const found = vouched.baseline ? vouched : await this.#pointedTo(inputs, vouched.missed);
    const current = head && (await this.#current(inputs, head.digest, found.baseline?.image));
    return {
      ...base,
      ...(current ? { current } : {}),
      ...(found.baseline ? { baseline: found.baseline } : {}),
      ...(found.missed === undefined ? {} : { missed: found.missed }),
    };
  }

  async #commitRecord(): Promise<RecordState> {
    return (await this.#ports.records.commit).state;
  }

  async #channelRecord(): Promise<RecordState> {
    return (await this.#ports.records.channel).state;
  }

  /** Everything that needs no verdict on a record; what fails is told by the promise that it belongs to. */
  async #look(inputs: ComponentInputs) {
    const tagged = this.#ports.registry.headManifest(inputs.component.repository, this.#input.commit);
    const ahead = this.#lookAhead(inputs);
    await Promise.allSettled([tagged, ahead]);
    return { tagged, ahead };
  }

  /**
   * Looks up what the channel's record lists, while its signature is still being read and verified: by digest, in the
   * repository of this component, and for nothing if the record turns out not to count. Undefined where it lists no
   * such inputs, and where the commit has a record of its own, which is the one to go by.
   */
  async #lookAhead(inputs: ComponentInputs): Promise<LookedAhead | undefined> {
    const { records, registry } = this.#ports;
    if ((await records.commit).digest !== undefined) return undefined;
    const record = await (await records.channel).unverified;
    const entry = record && entryOf(record, inputs);
    return entry && { entry, image: await checkAgainstRecord(registry, entry, { checkChildren: true }) };
  }

  /** Whether the commit of the channel is an ancestor of the one to publish; undefined where nobody needs to know. */
  async #behind(record: RecordFacts | undefined): Promise<'yes' | 'no' | 'unknown' | undefined> {
    const { run, channel, commit, whole, sealOnly } = this.#input;
    if (!whole || sealOnly) return undefined;
    const from = record?.signed?.tier === 'trusted' ? record.signed.record.commit : undefined;
    if (from === undefined || from === commit || run.tier !== 'trusted' || run.branch !== channel.branch)
      return undefined;
    const known = await this.#ports.history.isAncestor(from, commit);
    if (known !== 'unknown') return known;
    await this.#ports.history.deepen();
    return this.#ports.history.isAncestor(from, commit);
  }

  /** The entry of a record for these inputs, if this run may rely on it. */
  #listed(record: RecordState, inputs: ComponentInputs): ReleaseComponent | undefined {
    if (record.state !== 'found' || !this.#reliesOn(record)) return undefined;
    return entryOf(record.record, inputs);
  }

  /** A record stands for images that nobody looks at again: like those, it must be by a signer that counts for reuse. */
  #reliesOn({ signer }: Extract<RecordState, { state: 'found' }>): boolean {
    return tierOf(signer, this.#reusable.policy) !== undefined;
  }

  async #vouched(
    inputs: ComponentInputs,
    record: RecordState,
    looking: Promise<LookedAhead | undefined>,
  ): Promise<Found> {
    if (record.state === 'absent') return { missed: 'no release to compare with' };
    if (record.state === 'untrusted')
      return { missed: `the release record is not trusted: ${record.detail}` };
    if (!this.#reliesOn(record))
      return { missed: 'the release record was written by a signer that this run does not rely on' };
    const entry = this.#listed(record, inputs);
    if (!entry) return { missed: `inputs changed since the release of ${record.record.commit.slice(0, 12)}` };
    const ahead = await looking;
    const check =
      ahead?.entry === entry
        ? ahead.image
        : await checkAgainstRecord(this.#ports.registry, entry, { checkChildren: true });
    if (!check.intact) return { missed: `the released image is not intact: ${check.detail}` };
    this.manifests.set(check.manifest.digest, check.manifest);
    return { baseline: { found: 'release', commit: record.record.commit, image: fromRecord(entry, record) } };
  }

  async #pointedTo(inputs: ComponentInputs, missed: string | undefined): Promise<Found> {
    const { component, inputDigest } = inputs;
    const manifest = await this.#ports.registry.getManifest(component.repository, `in-${inputDigest}`);
    if (!manifest) return { ...(missed === undefined ? {} : { missed }) };
    const state = await inspectSeal(this.#reusable, component.repository, manifest, expectedOf(inputs));
    if (!state.sealed) return { missed: `the image of these inputs cannot be reused: ${state.detail}` };
    this.manifests.set(manifest.digest, manifest);
    return { baseline: { found: 'input-tag', image: fromSeal(manifest.digest, state) } };
  }

  async #current(
    inputs: ComponentInputs,
    digest: Digest,
    baseline: SealedImage | undefined,
  ): Promise<CurrentTag> {
    if (baseline?.digest === digest) return { sealed: true, image: baseline };
    const { kind, name } = inputs.component;
    const state = await inspectSeal(this.#known, inputs.component.repository, digest, {
      component: { kind, name },
    });
    return state.sealed
      ? { sealed: true, image: fromSeal(digest, state) }
      : { sealed: false, digest, detail: state.detail };
  }
}

interface Found {
  readonly baseline?: NonNullable<ComponentFacts['baseline']>;
  readonly missed?: string;
}

/** The entry of a record that speaks of exactly these inputs under exactly this image. */
function entryOf(
  record: ReleaseRecord,
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

/** What must hold of an image that is to be taken for one of these inputs. */
export function expectedOf({ component, inputDigest }: ComponentInputs): Expected {
  const { kind, name } = component;
  return {
    component: { kind, name },
    inputDigest,
    platforms: component.build.platforms.map(formatPlatform),
    checkChildren: true,
  };
}

/** The seal that an inspection found, as an image that a plan can name. */
export function fromSeal(digest: Digest, state: Extract<SealState, { sealed: true }>): SealedImage {
  return {
    digest,
    inputDigest: state.inputDigest,
    tier: state.tier,
    signer: state.signer,
    bundles: state.bundles,
    platforms: state.platforms.map(formatPlatform).sort(),
  };
}

function fromRecord(entry: ReleaseComponent, record: Extract<RecordState, { state: 'found' }>): SealedImage {
  return {
    digest: entry.digest,
    inputDigest: entry.inputDigest,
    tier: record.tier,
    bundles: entry.bundles,
    platforms: entry.platforms,
  };
}

function recordFacts(state: RecordState): RecordFacts | undefined {
  if (state.state === 'absent') return undefined;
  if (state.state === 'untrusted') return { digest: state.digest, detail: state.detail };
  return { digest: state.digest, signed: { tier: state.tier, record: state.record } };
}
