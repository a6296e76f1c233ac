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
import { builderIdOf, provenanceStatement, sbomStatement } from '../../seal/statement.ts';
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
  checkPlatforms(inputs, layout.platforms.map(formatPlatform));
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
  const { tools, seal, emit } = execution;
  if (!tools) throw new Error('a component is described that was not checked before');
  const { id, repository } = inputs.component;
  emit({ type: 'item', item: id, status: 'active', state: 'describing' });
  const statements = [
    Promise.resolve(describeBuild(inputs, execution, tools, layout, result)),
    ...layout.manifests.map((manifest, position) =>
      limits.describe(() =>
        describeContents(inputs, execution, tools, { layout, result, manifest, position }),
      ),
    ),
  ];
  const attesting = attest(statements, execution, id, folder);
  await settleAll<unknown>([attesting, pushLayout(seal.registry, repository, layout)]);
  const attestations = await attesting;
  await rm(result.layout, { recursive: true, force: true });
  emit({ type: 'item', item: id, status: 'done', state: 'attested' });
  return { index: layout.index, platforms: layout.platforms.map(formatPlatform).sort(), attestations };
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

/** Signs each statement as soon as it is made. Gives the paths of the bundles, in the order of the statements. */
async function attest(
  statements: readonly Promise<Uint8Array>[],
  { signer, emit }: Execution,
  item: string,
  folder: string,
): Promise<string[]> {
  const described = settleAll(statements).then(() => {
    emit({ type: 'item', item, status: 'active', state: 'attesting' });
  });
  const signing = statements.map(async (statement, position) => {
    const path = join(folder, `${position}.sigstore.json`);
    await writeFile(path, await signer.sign(await statement));
    return path;
  });
  await settleAll<unknown>([described, ...signing]);
  return Promise.all(signing);
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

function checkPlatforms({ component }: ComponentInputs, built: readonly string[]): void {
  const missing = component.build.platforms
    .map(formatPlatform)
    .filter((platform) => !built.includes(platform));
  if (missing.length === 0) return;
  throw new PrimitiveError('build-platform-missing', `The builder made no image for ${missing.join(', ')}.`, {
    why: `The layout holds ${built.join(', ') || 'no platform'}.`,
    suggestions: ['To list the platforms of the builder: primitive doctor'],
    exit: 1,
  });
}

/** How the image was built. */
function describeBuild(
  { component, inputDigest }: ComponentInputs,
  { plan, settings }: Execution,
  { builderInfo }: BuildTools,
  layout: ImageLayout,
  built: BuildResult,
): Uint8Array {
  const { kind, name, build } = component;
  const { signer } = plan.run;
  return provenanceStatement({
    image: component.repository,
    digest: layout.index.digest,
    provenance: {
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
    },
  });
}

/** SBOM statement of the image of one platform. */
async function describeContents(
  { component }: ComponentInputs,
  { settings, signal }: Execution,
  { sbom }: BuildTools,
  { layout, result, manifest, position }: BuiltPlatform,
): Promise<Uint8Array> {
  const platform = layout.platforms[position];
  if (!platform) throw new Error('an image layout must give one platform per manifest');
  const document = await sbom.generate({
    layout: result.layout,
    index: layout.index.digest,
    platform,
    manifest: manifest.digest,
    image: component.repository,
    format: settings.sbomFormat,
    signal,
  });
  return sbomStatement({
    index: layout.index.digest,
    manifest: manifest.digest,
    format: settings.sbomFormat,
    document,
  });
}

/** One child of a layout's index. */
interface BuiltPlatform {
  readonly layout: ImageLayout;
  readonly result: BuildResult;
  readonly manifest: Manifest;
  readonly position: number;
}
