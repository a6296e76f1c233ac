/**
 * Answers as syft does where publish asks it, and lists the layers of an image instead of what is installed in them. syft
 * takes two minutes to build, and 1.5 s of a processor for each image; this is for the demo, and for tests that are not
 * about what is in an SBOM.
 */
import { access, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { comparePlatforms, parsePlatform } from '../../src/core/platform.ts';
import { readImageLayout } from '../../src/oci/layout.ts';
import { parseRepository } from '../../src/oci/reference.ts';
import { createLayerSbom } from './sbom-generator.ts';

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      platform: { type: 'string', default: '' },
      'source-name': { type: 'string', default: '' },
      output: { type: 'string', default: '' },
      config: { type: 'string', default: '' },
    },
  });
  const [command, source = '', ...more] = positionals;
  if (command === 'version') {
    console.log('Application: light-syft\nVersion: 1.20.0');
    return;
  }
  const [, layout] = /^oci-dir:(.+)$/.exec(source) ?? [];
  const [, format, file] = /^(spdx-json|cyclonedx-json)=(.+)$/.exec(values.output) ?? [];
  if (command !== 'scan' || !layout || !format || !file || more.length > 0) {
    throw new Error(`unknown call: ${process.argv.slice(2).join(' ')}`);
  }
  await access(values.config);
  const platform = parsePlatform(values.platform);
  const { index, images } = await readImageLayout(layout);
  const image = images.find((one) => platform && comparePlatforms(one.platform, platform) === 0);
  if (!platform || !image) throw new Error(`${layout} has no image for ${values.platform}`);
  const sbom = await createLayerSbom().generate({
    layout,
    image: parseRepository(values['source-name']),
    index: index.digest,
    platform,
    manifest: image.manifest.digest,
    format: format === 'spdx-json' ? 'spdx-json' : 'cyclonedx-json',
  });
  await writeFile(file, sbom);
}
