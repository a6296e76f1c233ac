import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildResult } from '../../builders/builder.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { type ImageLayout, readImageLayout } from '../../oci/layout.ts';
import { formatPlatform } from '../../oci/manifest.ts';
import type { Registry } from '../../oci/registry.ts';
import type { Manifest } from '../../oci/types.ts';
import { builderIdOf, provenanceStatement, sbomStatement } from '../../seal/statement.ts';
import { writeContext } from '../../workspace/context.ts';
import { RECIPE } from '../../workspace/input-digest.ts';
import type { ComponentInputs } from '../../workspace/inputs.ts';
import type { PublishPlan } from './document.ts';
import type { BuildTools, Execution, Task } from './execution.ts';
import { settleAll } from './settle.ts';

/** An image that is in the registry by digest, with its attestations signed and on disk, not yet attached. */
export interface BuiltImage {
  readonly index: Manifest;
  readonly platforms: readonly string[];
  /** Paths of signed bundles: provenance, then one SBOM per platform. On disk, because SBOMs can be large. */
  readonly attestations: readonly string[];
}

/**
 * Builds one component from its git objects, describes it, pushes it by digest and signs its attestations.
 *
 * `folder` is this component's own temporary folder; context and layout are removed from it as soon as they are used.
 * Throws what the builder, syft, the registry and the signer throw, and `build-platform-missing` (exit 1).
 */
export async function buildComponent(
  { inputs, images }: Task,
  execution: Execution,
  folder: string,
): Promise<BuiltImage> {
  const { plan, tools, tree, settings, seal, signer, signal, emit } = execution;
  if (!tools || !images) throw new Error('a component is built that was not checked before');
  const { component } = inputs;
  const context = join(folder, 'context');
  const output = join(folder, 'layout');
  await mkdir(folder, { recursive: true });
  await writeContext(tree, inputs, context);
  emit({
    type: 'item',
    item: component.id,
    status: 'active',
    state: 'building',
    detail: tools.builderInfo.name,
  });
  const { build } = component;
  const result = await tools.builder.build({
    context,
    dockerfile: build.dockerfile,
    ...(build.target === undefined ? {} : { target: build.target }),
    platforms: build.platforms,
    args: build.args,
    labels: constants(inputs, plan),
    images,
    secrets: build.secrets,
    cacheNamespace: plan.run.tier,
    cacheFrom: settings.cache.from,
    cacheTo: settings.cache.to,
    output,
    onLine: (line) => emit({ type: 'log', item: component.id, line }),
    signal,
  });
  await rm(context, { recursive: true, force: true });
  const layout = await readImageLayout(result.layout, { annotations: constants(inputs, plan) });
  const platforms = layout.platforms.map(formatPlatform);
  checkPlatforms(inputs, platforms);
  emit({ type: 'item', item: component.id, status: 'done', state: 'built', digest: layout.index.digest });

  const statements = await describe(inputs, execution, tools, layout, result);
  emit({ type: 'item', item: component.id, status: 'active', state: 'pushing' });
  await push(inputs, layout, seal.registry);
  emit({ type: 'item', item: component.id, status: 'active', state: 'pushed', digest: layout.index.digest });
  await rm(output, { recursive: true, force: true });

  emit({ type: 'item', item: component.id, status: 'active', state: 'attesting' });
  const attestations: string[] = [];
  for (const [position, statement] of statements.entries()) {
    const path = join(folder, `${position}.sigstore.json`);
    await writeFile(path, await signer.sign(statement));
    attestations.push(path);
  }
  emit({ type: 'item', item: component.id, status: 'done', state: 'attested' });
  return { index: layout.index, platforms: [...platforms].sort(), attestations };
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
    suggestions: ['Check with `primitive doctor` which platforms the builder can make.'],
    exit: 1,
  });
}

async function describe(
  { component, inputDigest }: ComponentInputs,
  { plan, settings, signal, emit }: Execution,
  { builderInfo, sbom }: BuildTools,
  layout: ImageLayout,
  built: BuildResult,
): Promise<Uint8Array[]> {
  emit({ type: 'item', item: component.id, status: 'active', state: 'describing' });
  const { kind, name, build } = component;
  const { signer } = plan.run;
  const provenance = provenanceStatement({
    image: component.repository,
    digest: layout.index.digest,
    provenance: {
      component: { kind, name },
      ...(plan.source === undefined ? {} : { source: plan.source }),
      ...(signer.type === 'keyless' && signer.ref !== undefined ? { ref: signer.ref } : {}),
      commit: plan.commit,
      path: component.path,
      inputDigest,
      ...(build.target === undefined ? {} : { target: build.target }),
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
      ...(settings.invocation === undefined ? {} : { invocation: settings.invocation }),
    },
  });
  const sboms: Uint8Array[] = [];
  for (const [position, manifest] of layout.manifests.entries()) {
    const platform = layout.platforms[position];
    if (!platform) throw new Error('an image layout must give one platform per manifest');
    const document = await sbom.generate({
      layout: built.layout,
      index: layout.index.digest,
      platform,
      manifest: manifest.digest,
      image: component.repository,
      format: settings.sbomFormat,
      signal,
    });
    sboms.push(
      sbomStatement({
        index: layout.index.digest,
        manifest: manifest.digest,
        format: settings.sbomFormat,
        document,
      }),
    );
  }
  return [provenance, ...sboms];
}

async function push({ component }: ComponentInputs, layout: ImageLayout, registry: Registry): Promise<void> {
  await settleAll(layout.blobs.map((blob) => registry.pushBlob(component.repository, blob)));
  await settleAll(
    layout.manifests.map((manifest) => registry.putManifest(component.repository, manifest.digest, manifest)),
  );
  await registry.putManifest(component.repository, layout.index.digest, layout.index);
}
