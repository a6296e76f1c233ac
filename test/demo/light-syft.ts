/**
 * Answers as syft does where publish asks it, and lists the layers of an image instead of what is installed in them:
 * syft takes two minutes to build, and the demo is about what becomes of an SBOM.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { readImageLayout } from '../../src/oci/layout.ts';
import { comparePlatforms, parsePlatform } from '../../src/oci/manifest.ts';
import { parseRepository } from '../../src/oci/reference.ts';
import { createLayerSbom } from '../support/sbom-generator.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    platform: { type: 'string', default: '' },
    'source-name': { type: 'string', default: '' },
    output: { type: 'string', default: '' },
    config: { type: 'string' },
  },
});
const [command, source = ''] = positionals;
if (command === 'version') console.log('Application: light-syft\nVersion: 1.20.0');
else await scan(source.replace(/^oci-dir:/, ''));

async function scan(folder: string): Promise<void> {
  const platform = parsePlatform(values.platform);
  const { index, manifests, platforms } = await readImageLayout(folder);
  const position = platforms.findIndex((one) => platform && comparePlatforms(one, platform) === 0);
  const manifest = manifests[position];
  if (!platform || !manifest) throw new Error(`${folder} has no image for ${values.platform}`);
  const sbom = await createLayerSbom().generate({
    layout: folder,
    image: parseRepository(values['source-name']),
    index: index.digest,
    platform,
    manifest: manifest.digest,
    format: 'spdx-json',
  });
  await writeFile(values.output.replace(/^spdx-json=/, ''), sbom);
}
