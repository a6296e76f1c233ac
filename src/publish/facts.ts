import { formatPlatform } from '../oci/manifest.ts';
import type { Registry } from '../oci/registry.ts';
import type { Digest, Manifest, Repository } from '../oci/types.ts';
import { checkAgainstRecord, type Expected, inspectSeal, type SealContext } from '../seal/inspect.ts';
import { type RecordState, readRecord } from '../seal/record.ts';
import { scopedTo, type TrustPolicy, tierOf } from '../seal/trust.ts';
import type { ReleaseComponent, SealState } from '../seal/types.ts';
import type { BundleVerifier } from '../seal/verifier.ts';
import type { History } from '../workspace/history.ts';
import type { ComponentInputs } from '../workspace/inputs.ts';
import type { ComponentFacts, CurrentTag, Facts, RecordFacts, Run, SealedImage } from './plan.ts';

/** What the facts of a publish are read from. */
export interface FactPorts {
  readonly registry: Registry;
  readonly verifier: BundleVerifier;
  readonly history: History;
}

/** What is known before the registry is asked. */
export interface FactsInput {
  readonly commit: string;
  readonly source?: string;
  readonly run: Run;
  readonly policy: TrustPolicy;
  readonly tags: readonly string[];
  /** The selected components with their inputs. */
  readonly inputs: readonly ComponentInputs[];
  readonly whole: boolean;
  /** Stops before the tags: then nobody needs to know whether the channel may move. */
  readonly sealOnly: boolean;
  /** Host and path under which all images stand. */
  readonly registryPrefix: string;
  readonly releases: Repository;
  readonly channel: { readonly tag: string; readonly branch: string };
}

/** The facts, and the manifests that were read on the way: content-addressed, so that execute need not ask again. */
export interface GatheredFacts {
  readonly facts: Facts;
  readonly manifests: ReadonlyMap<Digest, Manifest>;
}

/**
 * Reads what planning needs: the record of the commit, the record of the channel, and per component what `:<sha>`
 * names and which sealed image has the same inputs.
 *
 * Asks as little as it can. Where a trusted record vouches for a component, its bundles are not fetched again: their
 * digests are compared. Deepens a shallow clone only where the channel cannot be judged otherwise.
 * Throws what the registry, the verifier and git throw.
 */
export async function gatherFacts(input: FactsInput, ports: FactPorts): Promise<GatheredFacts> {
  const reader = new FactReader(input, ports);
  const commitRecord = await reader.record(input.commit);
  const channelRecord = await reader.channelRecord(commitRecord);
  const components = await Promise.all(
    input.inputs.map((inputs) => reader.component(inputs, commitRecord, channelRecord)),
  );
  const commitFacts = recordFacts(commitRecord);
  const channelFacts = recordFacts(channelRecord);
  const behind = await reader.behind(channelFacts);
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

class FactReader {
  readonly manifests = new Map<Digest, Manifest>();
  readonly #input: FactsInput;
  readonly #ports: FactPorts;
  /** Any signer that the config knows: judges what stands under the tag of the commit. */
  readonly #known: SealContext;
  /** Only signers whose images this run may reuse. */
  readonly #reusable: SealContext;

  constructor(input: FactsInput, ports: FactPorts) {
    this.#input = input;
    this.#ports = ports;
    const { policy, run } = input;
    this.#known = { registry: ports.registry, verifier: ports.verifier, policy };
    this.#reusable = { ...this.#known, policy: scopedTo(policy, run.signer) };
  }

  record(reference: string): Promise<RecordState> {
    return readRecord(this.#known, this.#input.releases, reference, { registry: this.#input.registryPrefix });
  }

  /** One HEAD is enough where the channel is already at the record of this commit. */
  async channelRecord(commitRecord: RecordState): Promise<RecordState> {
    const { channel, releases } = this.#input;
    if (commitRecord.state === 'found') {
      const head = await this.#ports.registry.headManifest(releases, channel.tag);
      if (!head) return { state: 'absent' };
      if (head.digest === commitRecord.digest) return commitRecord;
    }
    return this.record(channel.tag);
  }

  async component(
    inputs: ComponentInputs,
    commitRecord: RecordState,
    channelRecord: RecordState,
  ): Promise<ComponentFacts> {
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
    const published = this.#listed(commitRecord, inputs);
    if (published && commitRecord.state === 'found') {
      const head = await this.#ports.registry.headManifest(component.repository, this.#input.commit);
      const image = fromRecord(published, commitRecord);
      if (head?.digest === published.digest) return { ...base, current: { sealed: true, image } };
    }
    const [vouched, head] = await Promise.all([
      this.#vouched(inputs, published ? commitRecord : channelRecord),
      this.#ports.registry.headManifest(component.repository, this.#input.commit),
    ]);
    const found = vouched.baseline ? vouched : await this.#pointedTo(inputs, vouched.missed);
    const current = head && (await this.#current(inputs, head.digest, found.baseline?.image));
    return {
      ...base,
      ...(current ? { current } : {}),
      ...(found.baseline ? { baseline: found.baseline } : {}),
      ...(found.missed === undefined ? {} : { missed: found.missed }),
    };
  }

  /** Whether the commit of the channel is an ancestor of the one to publish; undefined where nobody needs to know. */
  async behind(record: RecordFacts | undefined): Promise<'yes' | 'no' | 'unknown' | undefined> {
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

  /** The entry of a record that speaks of exactly these inputs under exactly this image, if this run may rely on it. */
  #listed(record: RecordState, { component, inputDigest }: ComponentInputs): ReleaseComponent | undefined {
    if (record.state !== 'found' || !this.#reliesOn(record)) return undefined;
    return record.record.components.find(
      (entry) =>
        entry.image === component.repository &&
        entry.kind === component.kind &&
        entry.name === component.name &&
        entry.inputDigest === inputDigest,
    );
  }

  /** A record stands for images that nobody looks at again: like those, it must be by a signer that counts for reuse. */
  #reliesOn({ signer }: Extract<RecordState, { state: 'found' }>): boolean {
    return tierOf(signer, this.#reusable.policy) !== undefined;
  }

  async #vouched(inputs: ComponentInputs, record: RecordState): Promise<Found> {
    if (record.state === 'absent') return { missed: 'no release to compare with' };
    if (record.state === 'untrusted')
      return { missed: `the release record is not trusted: ${record.detail}` };
    if (!this.#reliesOn(record))
      return { missed: 'the release record was written by a signer that this run does not rely on' };
    const entry = this.#listed(record, inputs);
    if (!entry) return { missed: `inputs changed since the release of ${record.record.commit.slice(0, 12)}` };
    const check = await checkAgainstRecord(this.#ports.registry, entry, { checkChildren: true });
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
