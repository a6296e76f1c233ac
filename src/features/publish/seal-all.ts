import { join } from 'node:path';
import pLimit from 'p-limit';
import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import type { Registry } from '../../oci/registry.ts';
import type { Digest, Manifest } from '../../oci/types.ts';
import { attachSeal } from '../../seal/attach.ts';
import { inspectSeal, type SealContext } from '../../seal/inspect.ts';
import { signatureStatement } from '../../seal/statement.ts';
import type { TrustTier } from '../../seal/types.ts';
import type { ComponentInputs } from '../../workspace/inputs.ts';
import {
  type BuildPorts,
  type BuildSettings,
  type BuiltImage,
  buildComponent,
  readAttestations,
} from './build.ts';
import { expectedOf, fromSeal } from './facts.ts';
import { idOf, type PlannedComponent, type PublishPlan, type SealedImage } from './plan.ts';
import { settleAll } from './settle.ts';

/** A component whose image is sealed. */
export interface SealedComponent {
  readonly planned: PlannedComponent;
  readonly ok: true;
  readonly image: SealedImage;
  /** Its bytes, where they are at hand. */
  readonly manifest?: Manifest;
}

/** A component that failed, maybe after its image was pushed or even tagged. */
export interface FailedComponent {
  readonly planned: PlannedComponent;
  readonly ok: false;
  readonly error: unknown;
  readonly digest?: Digest;
  /** Those that name the digest, written before the failure. */
  readonly tags?: readonly string[];
}

/** How a component came out of building and sealing. */
export type SealOutcome = SealedComponent | FailedComponent;

/** What sealing needs beyond building. */
export interface SealPorts {
  readonly registry: Registry;
  /** Judges by every signer that the config knows. */
  readonly seal: SealContext;
  /** Started only where something is to be built. */
  readonly build: () => Promise<BuildPorts>;
  readonly signal: AbortSignal;
}

/** What a plan refers to by name: the inputs by component id, and manifests that were read while gathering facts. */
export interface Work {
  readonly inputs: ReadonlyMap<string, ComponentInputs>;
  readonly manifests: ReadonlyMap<Digest, Manifest>;
  readonly settings: BuildSettings;
  /** A folder of this run alone; the caller removes it. */
  readonly folder: string;
  /** Builds at a time. */
  readonly parallel: number;
}

/** Seals that are written and read back at a time: bounds how many bundles are in memory. */
const SEALS_AT_A_TIME = 8;

/**
 * Brings every component of the plan to a sealed image: builds and pushes those that have none, then signs all of
 * them with one statement, attaches, reads back and verifies, and points the input tag at each.
 *
 * One component's failure is returned in its place and stops no other; an abort throws.
 */
export async function sealAll(
  plan: PublishPlan,
  work: Work,
  ports: SealPorts,
  emit: Emit,
): Promise<SealOutcome[]> {
  const built = await buildAll(plan, work, ports, emit);
  const signature = await signAll(built, ports, emit);
  const limit = pLimit(SEALS_AT_A_TIME);
  return settleAll(
    plan.components.map((planned) =>
      limit(async (): Promise<SealOutcome> => {
        if (planned.action === 'conflict') return { planned, ok: false, error: conflict(planned) };
        if (planned.action !== 'build') {
          const manifest = work.manifests.get(planned.sealed.digest);
          return { planned, ok: true, image: planned.sealed, ...(manifest ? { manifest } : {}) };
        }
        const result = built.get(idOf(planned));
        if (!result?.ok) return { planned, ok: false, error: result?.error };
        const { image } = result;
        try {
          const inputs = inputsOf(work, idOf(planned));
          const sealed = await sealOne(inputs, image, await signature(), ports);
          await pointInputTag(inputs, image.index, plan.run.tier, ports);
          emit({
            type: 'item',
            item: idOf(planned),
            status: 'done',
            state: 'sealed',
            digest: image.index.digest,
          });
          return { planned, ok: true, image: sealed, manifest: image.index };
        } catch (error) {
          ports.signal.throwIfAborted();
          emit({
            type: 'item',
            item: idOf(planned),
            status: 'failed',
            state: 'failed',
            detail: messageOf(error),
          });
          return { planned, ok: false, error, digest: image.index.digest };
        }
      }),
    ),
  );
}

type BuildOutcome =
  | { readonly ok: true; readonly image: BuiltImage }
  | { readonly ok: false; readonly error: unknown };

async function buildAll(
  plan: PublishPlan,
  work: Work,
  ports: SealPorts,
  emit: Emit,
): Promise<ReadonlyMap<string, BuildOutcome>> {
  const planned = plan.components.filter((component) => component.action === 'build');
  if (planned.length === 0) return new Map();
  emit({ type: 'step', step: 'build', message: `Building ${planned.length} of ${plan.components.length}` });
  for (const component of planned) {
    emit({
      type: 'item',
      item: idOf(component),
      status: 'waiting',
      state: 'planned',
      detail: component.reason,
    });
  }
  const build = await ports.build();
  const limit = pLimit(work.parallel);
  const outcomes = await settleAll(
    planned.map((component) =>
      limit(async (): Promise<[string, BuildOutcome]> => {
        ports.signal.throwIfAborted();
        const id = idOf(component);
        try {
          const image = await buildComponent(
            inputsOf(work, id),
            plan,
            work.settings,
            build,
            join(work.folder, `${component.kind}-${component.name}`),
            emit,
          );
          return [id, { ok: true, image }];
        } catch (error) {
          ports.signal.throwIfAborted();
          emit({ type: 'item', item: id, status: 'failed', state: 'failed', detail: messageOf(error) });
          return [id, { ok: false, error }];
        }
      }),
    ),
  );
  return new Map(outcomes);
}

/** Signs all built digests at once, on first use; every component gets the same bundle or the same failure. */
async function signAll(
  built: ReadonlyMap<string, BuildOutcome>,
  ports: SealPorts,
  emit: Emit,
): Promise<() => Promise<Uint8Array>> {
  const images = [...built].flatMap(([id, outcome]) => (outcome.ok ? [{ id, image: outcome.image }] : []));
  if (images.length === 0)
    return () => Promise.reject(new Error('nothing was built, so there is nothing to sign'));
  emit({ type: 'step', step: 'sign', message: `Signing ${images.length} image(s) with one statement` });
  for (const { id, image } of images) {
    emit({ type: 'item', item: id, status: 'active', state: 'signing', digest: image.index.digest });
  }
  const { signer } = await ports.build();
  const bundle = signer.sign(signatureStatement(images.map(({ image }) => image.index.digest)));
  // A failure is reported by each component that asks for the bundle, not by the process.
  bundle.catch(() => undefined);
  return () => bundle;
}

async function sealOne(
  { component, inputDigest }: ComponentInputs,
  built: BuiltImage,
  signature: Uint8Array,
  { seal }: SealPorts,
): Promise<SealedImage> {
  const { kind, name, repository } = component;
  const bundles = [...(await readAttestations(built)), signature];
  const state = await attachSeal(seal, repository, built.index, bundles, {
    component: { kind, name },
    inputDigest,
    platforms: built.platforms,
  });
  return fromSeal(built.index.digest, state);
}

/** Lets the input tag name the image. What a trusted run sealed in the meantime serves everybody, so it stays there. */
async function pointInputTag(
  inputs: ComponentInputs,
  index: Manifest,
  tier: TrustTier,
  { registry, seal }: SealPorts,
): Promise<void> {
  const { repository } = inputs.component;
  const tag = `in-${inputs.inputDigest}`;
  if (tier !== 'trusted') {
    const current = await registry.getManifest(repository, tag);
    const state = current && (await inspectSeal(seal, repository, current, expectedOf(inputs)));
    if (state?.sealed && state.tier === 'trusted') return;
  }
  await registry.putManifest(repository, tag, index);
}

/** The inputs of a component that the plan names. */
export function inputsOf(work: Work, id: string): ComponentInputs {
  const inputs = work.inputs.get(id);
  if (!inputs) throw new Error(`the plan names ${id}, for which no inputs were read`);
  return inputs;
}

function conflict(planned: Extract<PlannedComponent, { action: 'conflict' }>): PrimitiveError {
  return new PrimitiveError('tag-conflict', `${idOf(planned)}: ${planned.reason}.`, {
    why: `${planned.image} already names ${planned.existing} under this commit, and what is published is not overwritten.`,
    suggestions: [
      'A trusted run (the default branch) replaces what no trusted signer sealed.',
      'Otherwise publish a new commit.',
    ],
    exit: 1,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
