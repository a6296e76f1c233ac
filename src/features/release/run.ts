import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import pLimit from 'p-limit';
import { messageOf, PrimitiveError } from '../../core/errors.ts';
import { parseDockerReference, parseTag } from '../../oci/reference.ts';
import type { Registry } from '../../oci/registry.ts';
import type { ImageRepository } from '../../oci/types.ts';
import type { Config } from '../../repository/config.ts';
import type { ConfigLocation } from '../../repository/discovery.ts';
import type { TrustTier } from '../../repository/signers.ts';
import type { CommitTree } from '../../repository/source-tree.ts';
import { inspectSeal } from '../../seal/inspect.ts';
import { type RecordState, readRecord, releasesRepository } from '../../seal/record.ts';
import type { SealContext } from '../../seal/search.ts';
import { describeSigner, fingerprintOf, type TrustPolicy } from '../../seal/trust.ts';
import type { ReleaseComponent, SealState } from '../../seal/types.ts';
import { type BundleVerifier, createVerifier } from '../../seal/verifier.ts';
import { type AdvisoryPorts, releaseAdvisories } from './advisories.ts';
import type { ReleaseReport, ReportedImage } from './document.ts';

export interface ReleaseRequest {
  /** A commit, a tag of the release records such as `main`, or an image; HEAD if it is absent. */
  readonly target: string | undefined;
  /** Path of a public key that alone counts, instead of the signers of the config. */
  readonly key: string | undefined;
  readonly required: TrustTier;
  /** Whether each image is verified, too. */
  readonly images: boolean;
}

export interface ReleasePorts extends AdvisoryPorts {
  readonly cwd: string;
  workspace(): Promise<{
    readonly config: Pick<Config, 'registry'>;
    readonly location: Pick<ConfigLocation, 'root'>;
  }>;
  tree(): Promise<Pick<CommitTree, 'head'>>;
  registry(): Promise<Registry>;
  verifier(): Promise<BundleVerifier>;
  policy(): Promise<TrustPolicy>;
}

/** Images that are verified at a time; each takes some requests. */
const AT_A_TIME = 8;

/**
 * Looks up the release record of a commit, or an image, and says by whom it is sealed. Only the registry is believed, and
 * there only what a signer of the policy has signed; content of a record that does not count is not shown.
 *
 * Throws `reference-invalid`, `release-key-missing` and `signing-key-invalid` (exit 2), and what the registry and the
 * trust root throw.
 */
export async function runRelease(request: ReleaseRequest, ports: ReleasePorts): Promise<ReleaseReport> {
  const { config } = await ports.workspace();
  const target = await targetOf(request.target, config.registry, ports);
  const context = await contextOf(request.key, ports);
  if (target.type === 'image') return imageReport(context, target, request);
  const state = await readRecord(context, target.repository, target.reference, config);
  const base = {
    schema: 'primitive.release-report/v1',
    target: `${target.repository}:${target.reference}`,
    checked: request.images ? 'images' : 'record',
    required: request.required,
  } as const;
  if (state.state !== 'found') {
    return { ...base, verdict: 'rejected', record: null, problem: problemOf(state), images: [] };
  }
  const { record, digest, tier, signer } = state;
  const limit = pLimit(AT_A_TIME);
  const advisories = await releaseAdvisories(record, ports);
  const images = await Promise.all(
    record.components.map(async (component) => ({
      ...(request.images
        ? await limit(async () => recordedImage(component, await inspectRecorded(context, component)))
        : recordedImage(component)),
      advisories: advisories.get(`${component.kind}/${component.name}`)?.slice() ?? null,
    })),
  );
  return {
    ...base,
    verdict: weakest([tier, ...(request.images ? images.map(({ seal }) => seal?.tier) : [])]),
    record: {
      commit: record.commit,
      source: record.source ?? null,
      digest,
      seal: { tier, signer: describeSigner(signer) },
    },
    problem: null,
    images,
  };
}

type Target =
  | { readonly type: 'record'; readonly repository: ImageRepository; readonly reference: string }
  | { readonly type: 'image'; readonly repository: ImageRepository; readonly reference: string };

async function targetOf(
  target: string | undefined,
  registry: string,
  { tree }: Pick<ReleasePorts, 'tree'>,
): Promise<Target> {
  const repository = releasesRepository(registry);
  if (target === undefined || target === 'HEAD') {
    return { type: 'record', repository, reference: (await tree()).head.commit };
  }
  if (!target.includes('/')) return { type: 'record', repository, reference: parseTag(target) };
  const image = parseDockerReference(target);
  const reference = image.digest ?? image.tag;
  if (reference === undefined) {
    throw new PrimitiveError('reference-invalid', `Cannot look up ${image.repository}.`, {
      why: 'The reference has neither a tag nor a digest.',
      suggestions: [`${image.repository}@sha256:…`],
    });
  }
  return { type: 'image', repository: image.repository, reference };
}

async function contextOf(key: string | undefined, ports: ReleasePorts): Promise<SealContext> {
  if (key === undefined) {
    const [registry, verifier, policy] = await Promise.all([
      ports.registry(),
      ports.verifier(),
      ports.policy(),
    ]);
    return { registry, verifier, policy };
  }
  const pem = await readFile(resolve(ports.cwd, key), 'utf8').catch((cause: unknown) => {
    throw new PrimitiveError('release-key-missing', `Cannot read the public key ${key}.`, {
      why: messageOf(cause),
      suggestions: ['cosign public-key --key cosign.key > cosign.pub'],
      cause,
    });
  });
  const policy = { trusted: [{ key }], accepted: [], fingerprints: new Map([[key, fingerprintOf(pem)]]) };
  return { registry: await ports.registry(), verifier: createVerifier({ keys: [pem] }), policy };
}

async function imageReport(
  context: SealContext,
  { repository, reference }: Target,
  { required }: ReleaseRequest,
): Promise<ReleaseReport> {
  const isTag = !reference.includes(':');
  const manifest = await context.registry.getManifest(repository, reference);
  const state: SealState =
    manifest === undefined
      ? { sealed: false, reason: 'absent', detail: 'the image was not found' }
      : await inspectSeal(context, repository, manifest, { checkChildren: true });
  const digest = manifest?.digest ?? null;
  const image: ReportedImage = {
    kind: state.sealed ? state.component.kind : null,
    name: state.sealed ? state.component.name : null,
    ref: digest === null ? `${repository}${isTag ? ':' : '@'}${reference}` : `${repository}@${digest}`,
    digest,
    inputDigest: state.sealed ? state.image.inputDigest : null,
    platforms: state.sealed ? state.image.platforms : [],
    bundles: state.sealed ? state.image.bundles : null,
    advisories: null,
    ...verdictOf(state),
  };
  return {
    schema: 'primitive.release-report/v1',
    target: `${repository}${isTag ? ':' : '@'}${reference}`,
    checked: 'images',
    verdict: image.seal?.tier ?? 'rejected',
    required,
    record: null,
    problem: null,
    images: [image],
  };
}

function inspectRecorded(context: SealContext, component: ReleaseComponent): Promise<SealState> {
  const { kind, name, image, digest, inputDigest, platforms } = component;
  const expected = { component: { kind, name }, inputDigest, platforms, checkChildren: true };
  return inspectSeal(context, image as ImageRepository, digest, expected);
}

/** `state` is absent if the image was not looked at: then the record vouches for it. */
function recordedImage(component: ReleaseComponent, state?: SealState): ReportedImage {
  const { kind, name, image, digest, inputDigest, platforms, bundles } = component;
  return {
    kind,
    name,
    ref: `${image}@${digest}`,
    digest,
    inputDigest,
    platforms,
    bundles,
    advisories: null,
    ...(state === undefined ? { seal: null, problem: null } : verdictOf(state)),
  };
}

function verdictOf(state: SealState): Pick<ReportedImage, 'seal' | 'problem'> {
  if (state.sealed) {
    const { tier, signer } = state.image;
    return { seal: { tier, signer: describeSigner(signer) }, problem: null };
  }
  return { seal: null, problem: { reason: state.reason, detail: state.detail } };
}

function problemOf(state: Exclude<RecordState, { state: 'found' }>): NonNullable<ReleaseReport['problem']> {
  if (state.state === 'absent') return { reason: 'absent', detail: 'there is no release record' };
  return { reason: state.reason, detail: state.detail };
}

function weakest(tiers: readonly (TrustTier | undefined)[]): ReleaseReport['verdict'] {
  if (tiers.includes(undefined)) return 'rejected';
  return tiers.includes('accepted') ? 'accepted' : 'trusted';
}
