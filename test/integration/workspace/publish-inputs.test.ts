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
  const inputs = await workspace.inputs();
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
      "8973aa4110b845d468e80d1edd3557592b56e41ac652662d80cb256ae3f5d2f9",
      "5956c65df3bafe0c760c8a86c032ba69f7dc70a7b8f0e50296159e9c82a8c2e2",
    ]
  `);
});
