import { expect, test } from 'vitest';
import { gitRepo } from '../../support/git.ts';
import { openWorkspace } from '../../support/workspace.ts';

test('from a folder to the input digests of its components', async () => {
  await using repo = await gitRepo({
    'primitive.config.yaml': 'registry: ghcr.io/acme\n',
    'primitives/domain/orders/primitive.yaml': 'kind: domain\nname: orders\n',
    'primitives/domain/orders/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'primitives/domain/orders/.dockerignore': '*.md\n',
    'primitives/agent/helper/primitive.yaml': 'kind: agent\nname: helper\n',
    'primitives/agent/helper/Dockerfile': 'FROM scratch\n',
  });
  const workspace = await openWorkspace(repo.root);
  expect(workspace.warnings).toEqual([]);
  const inputs = await workspace.contexts();
  expect(
    inputs.map(({ component, entries }) => [
      component.id,
      component.repository,
      entries.map(({ path }) => path),
    ]),
  ).toEqual([
    ['agent/helper', 'ghcr.io/acme/agent-helper', ['Dockerfile', 'primitive.yaml']],
    ['domain/orders', 'ghcr.io/acme/domain-orders', ['.dockerignore', 'Dockerfile', 'primitive.yaml']],
  ]);
  // Frozen: a change of the encoding builds every image anew, and must be meant.
  expect(inputs.map(({ inputDigest }) => inputDigest)).toMatchInlineSnapshot(`
    [
      "b5cab22615f266e7332419bfd089cfd89035f297156e2243ce41d890a51a854a",
      "7ec70b67d4e82a6c78776bf9ec17e937930b3b7273e058b7cb5f9fc38a475f5c",
    ]
  `);
});
