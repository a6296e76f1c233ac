import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allKinds, bundledKinds, openKinds } from '../../../src/kinds/kind.ts';
import { isScaffolded } from '../../../src/kinds/template.ts';

/** What a README expects of others: Postgres, a model, an engine, an issuer, a collector. */
const OTHERS = ['5432', '11434', '8088', '8089', '4318'];

/** Ports of the commands in the README of each kind: where services listen, and which are called. */
const ports = (await allKinds(await openKinds({ bundled: bundledKinds() })))
  .filter(isScaffolded)
  .map((kind) => {
    const text = readFileSync(join(kind.folder, 'files/README.md.eta'), 'utf8').replaceAll(
      '<%= it.run.port %>',
      String(kind.run?.port),
    );
    const commands = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block).join('');
    const given = [...commands.matchAll(/\b(?:HTTP_ADDRESS=:|PORT=)(\d+)/g)].map(([, port = '']) => port);
    const called = [...text.matchAll(/(?:localhost|127\.0\.0\.1):(\d+)/g)].map(([, port = '']) => port);
    // A domain has two processes; the first has the default.
    return {
      kind: kind.kind,
      listens: kind.kind === 'domain' ? [String(kind.run?.port), ...given] : given,
      called,
    };
  });

test('all kinds can run beside each other as their READMEs say', () => {
  expect(ports.map(({ kind, listens }) => [kind, listens.length])).toEqual([
    ['agent', 1],
    ['domain', 2],
    ['integration', 1],
    ['process', 1],
    ['projection', 1],
    ['uisurface', 1],
  ]);
  const all = ports.flatMap(({ listens }) => listens);
  expect(new Set(all).size).toBe(all.length);
});

test('what is called is where something listens', () => {
  const all = [...ports.flatMap(({ listens }) => listens), ...OTHERS];
  expect(
    ports.flatMap(({ kind, called }) =>
      called.filter((port) => !all.includes(port)).map((port) => `${kind} ${port}`),
    ),
  ).toEqual([]);
});
