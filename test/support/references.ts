import { join } from 'node:path';
import { bundledKinds, openKinds } from '../../src/kinds/kind.ts';
import { render, templateVariables } from '../../src/kinds/render.ts';
import { readBases, readTemplate } from '../../src/kinds/template.ts';
import { sampleSource } from './sample-source.ts';

const LANGUAGES = {
  go: { module: 'github.com/acme/app' },
  ts: { scope: '@acme' },
  python: { prefix: 'acme' },
  proto: { package: 'acme' },
};
const ROOT = join(import.meta.dirname, '../..');

/** The small implementation of a kind that is kept for tests, as files of the primitive `orders` of the goldens. */
export async function referenceTree(name: string): Promise<Readonly<Record<string, Uint8Array>>> {
  const kind = await (await openKinds({ bundled: bundledKinds() })).get(name);
  if (kind === undefined) throw new Error(`kind ${name} is unknown`);
  const it = templateVariables(
    {
      kind: name,
      name: 'orders',
      templateVersion: kind.version,
      image: `${name}-orders`,
      inputs: {},
      // The goldens have no source where a kind needs none.
      source: kind.inputs?.source?.optional
        ? undefined
        : await sampleSource({ kind: 'domain', name: 'orders', entity: 'order' }, LANGUAGES),
      bases: await readBases(join(ROOT, 'templates/bases.yaml')),
      run: kind.run,
    },
    LANGUAGES,
  );
  const files = render(
    readTemplate([join(ROOT, 'test/reference', name)]),
    [{ path: '**', owner: 'impl' }],
    it,
  );
  return Object.fromEntries([...files].map(([path, { bytes }]) => [path, bytes]));
}
