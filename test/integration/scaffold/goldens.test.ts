import { createHash } from 'node:crypto';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { bundledKinds, openKinds } from '../../../src/kinds/kind.ts';
import {
  changesBetween,
  digestsOf,
  goldenTree,
  goldenTrees,
  listedDigests,
  scaffoldedKinds,
} from '../../support/goldens.ts';

const kinds = await scaffoldedKinds();

test('every kind is scaffolded as listed: no file is changed, added or removed', async () => {
  const changes = changesBetween(listedDigests(), digestsOf(await goldenTrees()));
  const next =
    'see them with `npm run goldens -- --against main`; where wanted, `npm run goldens` lists them anew';
  expect(changes, `files are not as listed in test/goldens.sha256: ${next}`).toEqual([]);
});

describe.each(kinds)('%s', (kind) => {
  test('primitive.yaml has the digest of every other file', async () => {
    const { 'primitive.yaml': manifest = '', ...files } = await goldenTree(kind);
    const lines = Object.entries(files).map(([path, content]) => {
      const digest = createHash('sha256').update(content.slice(2)).digest('hex');
      return `    ${digest}  ${path}`;
    });
    expect(manifest.trimEnd().split('\n').slice(-lines.length)).toEqual(lines);
  });

  test('has no floating tag, no secret, no manifest of Kubernetes', async () => {
    const tree = Object.entries(await goldenTree(kind));
    const lines = tree.flatMap(([path, text]) => text.split('\n').map((line) => ({ path, line })));
    const images = lines.filter(
      ({ path, line }) => path.endsWith('Dockerfile') && /^FROM |--from=[^ ]*[/:]/.test(line),
    );
    expect(images.length).toBeGreaterThan(0);
    const stages = new Set(images.flatMap(({ line }) => / AS (\S+)/i.exec(line)?.[1] ?? []));
    const floating = images.filter(
      ({ line }) =>
        !/:[^@\s]+@sha256:[0-9a-f]{64}/.test(line) && !stages.has(/^FROM (\S+)/.exec(line)?.[1] ?? ''),
    );
    expect(floating).toEqual([]);
    expect(lines.filter(({ line }) => /:latest\b|@latest\b/.test(line))).toEqual([]);
    expect(
      lines.filter(({ line }) => /BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|ghp_\w{36}/.test(line)),
    ).toEqual([]);
    const manifests = lines.filter(({ line }) => /^\s*apiVersion:/.test(line) && !/backstage\.io/.test(line));
    expect(manifests).toEqual([]);
  });

  test('has the required files that its kind.yaml names', async () => {
    const paths = Object.keys(await goldenTree(kind));
    const rules = (await (await openKinds({ bundled: bundledKinds() })).get(kind))?.files ?? [];
    const without = rules.filter(
      ({ path, required }) => required && !paths.some((file) => picomatch(path, { dot: true })(file)),
    );
    expect(without).toEqual([]);
  });
});
