import type { Digest } from '../../src/core/digest.ts';
import { parsePlatform } from '../../src/core/platform.ts';
import { buildArtifact, bytesSource, EMPTY_CONFIG } from '../../src/oci/artifact.ts';
import { descriptorOf, encodeManifest } from '../../src/oci/manifest.ts';
import { MEDIA_TYPE } from '../../src/oci/media-types.ts';
import type { Registry } from '../../src/oci/registry.ts';
import type { Descriptor, ImageRepository, Manifest } from '../../src/oci/types.ts';
import { provenanceStatement, sbomStatement, signatureStatement } from '../../src/seal/statement.ts';
import type { Signer } from '../../src/seal/types.ts';

/** A small image in a registry: its index, and the manifest of each platform. */
export interface PushedImage {
  readonly repository: ImageRepository;
  readonly index: Manifest;
  readonly children: readonly { readonly platform: string; readonly digest: Digest }[];
}

export interface ImageOptions {
  /** Different seeds make different images. */
  readonly seed?: string;
  readonly platforms?: readonly string[];
}

/** Pushes an image of one tiny layer per platform by digest; no tag. */
export async function pushImage(
  registry: Registry,
  repository: ImageRepository,
  { seed = 'image', platforms = ['linux/amd64', 'linux/arm64'] }: ImageOptions = {},
): Promise<PushedImage> {
  const descriptors: Descriptor[] = [];
  for (const text of platforms) {
    const platform = parsePlatform(text);
    if (platform === undefined) throw new Error(`${text} is no platform`);
    const config = bytesSource(
      MEDIA_TYPE.ociConfig,
      json({ ...platform, seed, rootfs: { type: 'layers', diff_ids: [] } }),
    );
    const layer = bytesSource('application/vnd.oci.image.layer.v1.tar', Buffer.from(`${seed} for ${text}`));
    await registry.pushBlob(repository, config);
    await registry.pushBlob(repository, layer);
    const manifest = encodeManifest(MEDIA_TYPE.ociManifest, {
      config: config.descriptor,
      layers: [layer.descriptor],
    });
    await registry.putManifest(repository, manifest.digest, manifest);
    descriptors.push({ ...descriptorOf(manifest), platform });
  }
  const index = encodeManifest(MEDIA_TYPE.ociIndex, { manifests: descriptors });
  await registry.putManifest(repository, index.digest, index);
  const children = descriptors.map(({ digest }, position) => ({
    platform: platforms[position] ?? '',
    digest,
  }));
  return { repository, index, children };
}

export interface SealFacts {
  readonly kind?: string;
  readonly name?: string;
  readonly inputDigest?: string;
  /** The repository that the provenance names, when not the image's own. */
  readonly builtAs?: ImageRepository;
}

/** Statements as publish makes them for one image: provenance, an SBOM per platform, signature. */
export function statementsOf(image: PushedImage, facts: SealFacts = {}): readonly Uint8Array[] {
  const { index, children, repository } = image;
  return [
    provenanceOf(image, facts),
    ...children.map(({ platform, digest }) =>
      sbomStatement({
        index: index.digest,
        manifest: digest,
        format: 'spdx-json',
        document: json({
          spdxVersion: 'SPDX-2.3',
          SPDXID: 'SPDXRef-DOCUMENT',
          dataLicense: 'CC0-1.0',
          name: repository,
          documentNamespace: `https://spdx.org/spdxdocs/${repository}@${digest}`,
          creationInfo: { created: '1980-01-01T00:00:00Z', creators: ['Tool: tests'] },
          comment: platform,
        }),
      }),
    ),
    signatureStatement([index.digest]),
  ];
}

/** A provenance statement as publish makes it. */
export function provenanceOf(
  { repository, index, children }: PushedImage,
  facts: SealFacts = {},
): Uint8Array {
  return provenanceStatement({
    image: facts.builtAs ?? repository,
    digest: index.digest,
    provenance: {
      component: { kind: facts.kind ?? 'domain', name: facts.name ?? 'orders' },
      source: 'https://github.com/acme/app',
      commit: '1111111111111111111111111111111111111111',
      path: 'primitives/domain/orders',
      inputDigest: facts.inputDigest ?? 'a'.repeat(64),
      dockerfile: 'Dockerfile',
      platforms: children.map(({ platform }) => platform),
      args: {},
      secrets: [],
      bases: {},
      caches: [],
      recipe: 1,
      resolvedBases: [],
      builderId: 'https://github.com/acme/app/.github/workflows/publish.yaml@refs/heads/main',
      builder: 'buildx 0.29.1',
    },
  });
}

/** Signs each of the statements. */
export function signAll(signer: Signer, statements: readonly Uint8Array[]): Promise<Uint8Array[]> {
  return Promise.all(statements.map((statement) => signer.sign(statement)));
}

/** Attaches something that is no bundle, as other tools do. */
export async function attachOther(
  registry: Registry,
  { repository, index }: PushedImage,
  artifactType: string,
): Promise<void> {
  const layer = bytesSource('text/plain', Buffer.from(`a note of type ${artifactType}`));
  await registry.pushBlob(repository, EMPTY_CONFIG);
  await registry.pushBlob(repository, layer);
  const artifact = buildArtifact({ artifactType, layers: [layer.descriptor], subject: descriptorOf(index) });
  await registry.attach(repository, index.digest, [artifact]);
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
