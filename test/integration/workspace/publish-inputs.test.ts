import { expect, test } from 'vitest';
import { openRepository } from '../../../src/adapters/git.ts';
import { createProcesses } from '../../../src/adapters/process.ts';
import { bundledKinds, readKinds } from '../../../src/kinds/kind.ts';
import { loadConfig } from '../../../src/workspace/config.ts';
import { findConfig } from '../../../src/workspace/discovery.ts';
import { readInputs } from '../../../src/workspace/inputs.ts';
import { readComponents } from '../../../src/workspace/primitives.ts';
import { gitEnvironment, gitRepo } from '../../support/git.ts';

test('from a folder to the input digests of its components', async () => {
  await using repo = await gitRepo({
    'primitive.config.yaml': 'registry: ghcr.io/acme\n',
    'primitives/domain/orders/primitive.yaml': 'kind: domain\nname: orders\n',
    'primitives/domain/orders/Dockerfile': 'FROM scratch\nCOPY . /\n',
    'primitives/domain/orders/.dockerignore': '*.md\n',
    'primitives/agent/helper/primitive.yaml': 'kind: agent\nname: helper\n',
    'primitives/agent/helper/Dockerfile': 'FROM scratch\n',
  });
  const tree = await openRepository(createProcesses(gitEnvironment), repo.root);
  const location = await findConfig({ cwd: repo.root });
  const config = await loadConfig(location, '1.0.0');
  const kinds = await readKinds(bundledKinds());
  const { components, warnings } = await readComponents(tree, { location, config, kinds });
  expect(warnings).toEqual([]);
  const inputs = await readInputs(tree, components, location);
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
  expect(new Set(inputs.map(({ inputDigest }) => inputDigest)).size).toBe(2);
});
