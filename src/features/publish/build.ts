import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LimitFunction } from 'p-limit';
import type { BuildResult } from '../../builders/builder.ts';
import type { PinnedReference } from '../../builders/dockerfile/pins.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import { formatPlatform } from '../../core/platform.ts';
import { settleAll } from '../../core/settle.ts';
import { type ImageLayout, pushLayout, readImageLayout } from '../../oci/layout.ts';
import type { Manifest } from '../../oci/types.ts';
import { writeContext } from '../../repository/context.ts';
import { RECIPE } from '../../repository/input-digest.ts';
import type { ComponentInputs } from '../../repository/inputs.ts';
import { attestImage } from '../../seal/attest.ts';
import { builderIdOf, type Provenance } from '../../seal/statement.ts';
import type { PublishPlan } from './document.ts';
import type { BuildTools, Execution, Task } from './execution.ts';

/** An image that is in the registry by digest, with its attestations signed and on disk, not yet attached. */
export interface BuiltImage {
  readonly index: Manifest;
  readonly platforms: readonly string[];
  /** Paths of signed bundles: provenance, then one SBOM per platform. On disk, because SBOMs can be large. */
  readonly attestations: readonly string[];
}

/** How much of what takes a machine's processors goes on at a time, over all components. */
export interface Limits {
  readonly build: LimitFunction;
  readonly describe: LimitFunction;
}

/** Temporary folder and limits of a build. */
export interface BuildPlace {
  /** This component's own; context and layout are removed from it as soon as they are used. */
  readonly folder: string;
  readonly limits: Limits;
}

/** An image on disk, not described and in no registry yet. */
export interface LocalImage {
  readonly layout: ImageLayout;
  readonly result: BuildResult;
}

/**
 * Builds one component from its git objects. Throws what the builder throws, `layout-invalid` and `build-platform-missing`
 * (exit 1).
 */
export async function buildLocally(
  { inputs, images }: Task,
  execution: Execution,
  { folder, limits }: BuildPlace,
): Promise<LocalImage> {
  const { plan, tools, emit } = execution;
  if (!tools || !images) throw new Error('a component is built that was not checked before');
  const result = await limits.build(() => build({ inputs, images }, execution, tools, folder));
  const layout = await readImageLayout(result.layout, { annotations: constants(inputs, plan) });
  checkPlatforms(inputs, layout);
  const { id } = inputs.component;
  emit({ type: 'item', item: id, status: 'done', state: 'built', digest: layout.index.digest });
  return { layout, result };
}

/**
 * Describes what was built, pushes it by digest and signs its attestations, all three at the same time: none needs what
 * another makes. The layout is gone after that. Throws what syft, the registry and the signer throw.
 */
export async function describeAndPush(
  { layout, result }: LocalImage,
  { inputs }: Task,
  execution: Execution,
  { folder, limits }: BuildPlace,
): Promise<BuiltImage> {
  const { tools, seal, settings, signer, emit } = execution;
  if (!tools) throw new Error('a component is described that was not checked before');
  const { id, repository } = inputs.component;
  const { index, images } = layout;
  emit({ type: 'item', item: id, status: 'active', state: 'describing' });
  const sboms = images.map(({ manifest: { digest: manifest }, platform }) => ({
    manifest,
    document: limits.describe(() =>
      tools.sbom.generate({
        layout: result.layout,
        index: index.digest,
        platform,
        manifest,
        image: repository,
        format: settings.sbomFormat,
        signal: execution.signal,
      }),
    ),
  }));
  const described = settleAll(sboms.map(({ document }) => document)).then(() => {
    emit({ type: 'item', item: id, status: 'active', state: 'attesting' });
  });
  const provenance = provenanceOf(inputs, execution, tools, result);
  const bundles = attestImage(
    { image: repository, digest: index.digest, provenance, format: settings.sbomFormat, sboms },
    signer,
  );
  const attesting = bundles.map(async (bundle, position) => {
    const path = join(folder, `${position}.sigstore.json`);
    await writeFile(path, await bundle);
    return path;
  });
  await settleAll<unknown>([described, ...attesting, pushLayout(seal.registry, repository, layout)]);
  await rm(result.layout, { recursive: true, force: true });
  emit({ type: 'item', item: id, status: 'done', state: 'attested' });
  return {
    index,
    platforms: images.map(({ platform }) => formatPlatform(platform)).sort(),
    attestations: await Promise.all(attesting),
  };
}

/** The builder's image layout of a component. The context is gone once it is built. */
async function build(
  { inputs, images }: { readonly inputs: ComponentInputs; readonly images: readonly PinnedReference[] },
  { plan, tree, settings, signal, emit }: Execution,
  { builder, builderInfo }: BuildTools,
  folder: string,
): Promise<BuildResult> {
  signal.throwIfAborted();
  const { component } = inputs;
  const context = join(folder, 'context');
  await mkdir(folder, { recursive: true });
  await writeContext(tree, inputs, context);
  emit({
    type: 'item',
    item: component.id,
    status: 'active',
    state: 'building',
    detail: builderInfo.name,
  });
  const { build } = component;
  const result = await builder.build({
    context,
    dockerfile: build.dockerfile,
    ...optional('target', build.target),
    platforms: build.platforms,
    args: build.args,
    labels: constants(inputs, plan),
    images,
    secrets: build.secrets,
    cacheNamespace: plan.run.tier,
    cacheFrom: settings.cache.from,
    cacheTo: settings.cache.to,
    output: join(folder, 'layout'),
    onLine: (line) => emit({ type: 'log', item: component.id, line }),
    signal,
  });
  await rm(context, { recursive: true, force: true });
  return result;
}

/** The bundles of a built image, read back from disk. */
export function readAttestations(image: BuiltImage): Promise<Uint8Array[]> {
  return Promise.all(image.attestations.map((path) => readFile(path)));
}

/** Labels and annotations that are the same for every build of the same inputs: no revision, no date. */
function constants({ component, inputDigest }: ComponentInputs, plan: PublishPlan): Record<string, string> {
  return {
    'io.ameide.primitive.input-digest': inputDigest,
    'io.ameide.primitive.kind': component.kind,
    'io.ameide.primitive.name': component.name,
    ...(plan.source === undefined ? {} : { 'org.opencontainers.image.source': plan.source }),
    'org.opencontainers.image.title': component.image,
  };
}

function checkPlatforms({ component }: ComponentInputs, { images }: ImageLayout): void {
  const asked = component.build.platforms.map(formatPlatform).sort().join(', ');
  const made = images
    .map(({ platform }) => formatPlatform(platform))
    .sort()
    .join(', ');
  if (made === asked) return;
  throw new PrimitiveError('build-platform-missing', 'The builder built the wrong platforms.', {
    why: `It was asked for ${asked} and made ${made}.`,
    suggestions: ['To list the platforms of the builder: primitive doctor'],
    exit: 1,
  });
}

/** How an image was built. */
function provenanceOf(
  { component, inputDigest }: ComponentInputs,
  { plan, settings }: Execution,
  { builderInfo }: BuildTools,
  built: BuildResult,
): Provenance {
  const { kind, name, build } = component;
  const { signer } = plan.run;
  return {
    component: { kind, name },
    ...optional('source', plan.source),
    ...(signer.type === 'keyless' && signer.ref !== undefined ? { ref: signer.ref } : {}),
    commit: plan.commit,
    path: component.path,
    inputDigest,
    ...optional('target', build.target),
    dockerfile: build.dockerfile,
    platforms: build.platforms.map(formatPlatform).sort(),
    args: build.args,
    secrets: build.secrets.map((secret) => secret.id),
    bases: build.bases,
    caches: built.caches,
    recipe: RECIPE,
    resolvedBases: built.bases,
    builderId: builderIdOf(signer),
    builder: `${builderInfo.name} ${builderInfo.version}`,
    ...optional('invocation', settings.invocation),
  };
}
