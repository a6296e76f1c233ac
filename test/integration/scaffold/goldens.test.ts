import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { bundledKinds, readKinds } from '../../../src/kinds/kind.ts';
import { GOLDEN, goldenTree, scaffoldedKinds } from '../../support/goldens.ts';
import { contentOf } from '../../support/tree.ts';

const kinds = await scaffoldedKinds();

test('there is a golden tree of each kind, and of no other', () => {
  expect(readdirSync(GOLDEN).sort()).toEqual(kinds);
});

describe.each(kinds)('%s', (kind) => {
  test('is scaffolded as its golden tree; `npm run goldens` after a wanted change', async () => {
    expect(await goldenTree(kind)).toEqual(await contentOf(join(GOLDEN, kind)));
  });

  test('has no floating tag, no secret, no manifest of Kubernetes', async () => {
    const tree = Object.entries(await contentOf(join(GOLDEN, kind)));
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
    const paths = Object.keys(await contentOf(join(GOLDEN, kind)));
    const rules = (await readKinds(bundledKinds())).get(kind)?.files ?? [];
    const without = rules.filter(
      ({ path, required }) => required && !paths.some((file) => picomatch(path, { dot: true })(file)),
    );
    expect(without).toEqual([]);
  });
});
