/**
 * Writes the stubs in the template of `domain` anew, after a change of its proto or of a generator's version:
 * `node test/integration/kinds/go-kinds-regenerate.ts`. They are generated for a placeholder, which rendering replaces.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { entityNames } from '../../../src/kinds/entity.ts';
import { run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';
import { scaffold, write } from './go-kinds-lab.ts';

const stubs = join(import.meta.dirname, '../../../templates/kinds/domain/files/gen/[proto]');
const folder = await mkdtemp(join(tmpdir(), 'primitive-stubs-'));
const { files } = await scaffold('domain', 'placeholder', {
  go: { module: 'example.com/placeholder' },
  proto: { package: 'placeholder.v1', path: 'placeholder/v1' },
  entity: entityNames('sample-entity'),
});
await write(folder, files);
await rm(join(folder, 'gen'), { recursive: true });
const path = `${dirname(tool('go'))}${delimiter}${process.env.PATH}`;
await run(tool('buf'), ['generate'], { cwd: folder, env: { GOWORK: 'off', PATH: path } });
for (const name of ['service.pb.go', 'service_grpc.pb.go']) {
  const text = await readFile(join(folder, 'gen/placeholder/v1', name), 'utf8');
  await writeFile(join(stubs, `${name}.eta`), `<% if (!it.service) { %>\n${text}<% } %>\n`);
}
await rm(folder, { recursive: true });
