import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../src/core/errors.ts';
import { comparePlatforms } from '../../src/core/platform.ts';
import { readImageLayout } from '../../src/oci/layout.ts';
import { canonicalJson } from '../../src/oci/manifest.ts';
import type { SbomGenerator } from '../../src/seal/types.ts';

/** Describes an image by the digests of its layers, in process. */
export function createLayerSbom(): SbomGenerator {
  return {
    async generate({ layout, image, platform, manifest, format }) {
      const { images } = await readImageLayout(layout);
      const found = images.find((one) => comparePlatforms(one.platform, platform) === 0);
      if (found?.manifest.digest !== manifest) {
        throw new PrimitiveError('sbom-failed', `${image} has no ${manifest} for that platform`, { exit: 3 });
      }
      const blob = join(layout, 'blobs', 'sha256', manifest.slice('sha256:'.length));
      const layers: { digest: string }[] = JSON.parse(await readFile(blob, 'utf8')).layers;
      const names = layers.map(({ digest }) => digest);
      return Buffer.from(
        canonicalJson(
          format === 'spdx-json' ? spdx(image, manifest, names) : cyclonedx(image, manifest, names),
        ),
      );
    },
  };
}

const CREATED = '1980-01-01T00:00:00Z';

function spdx(image: string, manifest: string, layers: readonly string[]): object {
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: image,
    documentNamespace: `https://spdx.org/spdxdocs/${image}@${manifest}`,
    creationInfo: { created: CREATED, creators: ['Tool: layers'] },
    packages: [
      {
        SPDXID: 'SPDXRef-DocumentRoot-Image',
        name: image,
        versionInfo: manifest,
        downloadLocation: 'NOASSERTION',
      },
      ...layers.map((digest, index) => ({
        SPDXID: `SPDXRef-Layer-${index}`,
        name: digest,
        downloadLocation: 'NOASSERTION',
      })),
    ],
  };
}

function cyclonedx(image: string, manifest: string, layers: readonly string[]): object {
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    metadata: { timestamp: CREATED, component: { type: 'container', name: image, version: manifest } },
    components: layers.map((digest) => ({ type: 'file', name: digest })),
  };
}
