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
      "2bcc3fefe4f5f8e5f56a4ad2229f12a76421bbfeb2cd3423e513cff9f7c8bcfe",
      "58d2821390d039575a668be02c45b4601891ac85d33d2d322ff1ccd8152760d5",
    ]
  `);
});
