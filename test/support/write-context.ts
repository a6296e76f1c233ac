/** `node write-context.ts WORKSPACE CONTEXT`: writes the context of the one component there and prints its digest. */
import { writeContext } from '../../src/workspace/context.ts';
import { openWorkspace } from './workspace.ts';

const [cwd = '', context = ''] = process.argv.slice(2);
const workspace = await openWorkspace(cwd);
for (const inputs of await workspace.inputs()) {
  await writeContext(workspace.tree, inputs, context);
  process.stdout.write(inputs.inputDigest);
}
