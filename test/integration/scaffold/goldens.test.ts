import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { bundledKinds, openKinds } from '../../../src/kinds/kind.ts';
import { GOLDEN, goldenTree, renderedOf, scaffoldedKinds } from '../../support/goldens.ts';
import { contentOf } from '../../support/tree.ts';

const kinds = await scaffoldedKinds();

test('there is a golden tree of each kind, and of no other', () => {
  expect(readdirSync(GOLDEN).sort()).toEqual(kinds);
});

describe.each(kinds)('%s', (kind) => {
  test('is scaffolded as its golden files; `npm run goldens` after a wanted change', async () => {
    expect(await renderedOf(kind, await goldenTree(kind))).toEqual(await contentOf(join(GOLDEN, kind)));
  });

  test('the golden primitive.yaml has the digest of every other file', async () => {
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
