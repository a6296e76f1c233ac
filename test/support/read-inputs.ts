import { openRepository } from '../../src/adapters/git.ts';
import { createProcesses } from '../../src/adapters/process.ts';
import { bundledKinds, openKinds } from '../../src/kinds/kind.ts';
import { loadConfig } from '../../src/repository/config.ts';
import { findConfig } from '../../src/repository/discovery.ts';
import { readInputs } from '../../src/repository/inputs.ts';
import { readComponents } from '../../src/repository/primitives.ts';
import type { CommitTree } from '../../src/repository/source-tree.ts';

/** What every command that plans reads first; with `checkClean` false without asking git whether anything is dirty. */
export async function readAll(cwd: string, checkClean: boolean): Promise<number> {
  const location = await findConfig({ cwd });
  const [repository, config, kinds] = await Promise.all([
    openRepository(createProcesses(process.env), location.root),
    loadConfig(location, '1.0.0'),
    openKinds({ bundled: bundledKinds() }),
  ]);
  const tree: CommitTree = checkClean ? repository : { ...repository, changes: async () => [] };
  const { components } = await readComponents(tree, { location, config, kinds });
  return (await readInputs(tree, components, location)).length;
}

// `node read-inputs.ts WORKSPACE digests|all`
const [, , workspace, what] = process.argv;
if (workspace !== undefined && (what === 'digests' || what === 'all')) {
  process.stdout.write(`${await readAll(workspace, what === 'all')}\n`);
}
