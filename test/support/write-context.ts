/**
 * `node write-context.ts WORKSPACE CONTEXT`: writes the context of the one component there and prints its digest; an
 * error of ours as `CODE: MESSAGE` on stderr, with its exit code.
 */
import { PrimitiveError } from '../../src/core/errors.ts';
import { writeContext } from '../../src/repository/context.ts';
import { openWorkspace } from './workspace.ts';

const [cwd = '', context = ''] = process.argv.slice(2);
try {
  const workspace = await openWorkspace(cwd);
  for (const inputs of await workspace.inputs()) {
    await writeContext(workspace.tree, inputs, context);
    process.stdout.write(inputs.inputDigest);
  }
} catch (error) {
  if (!(error instanceof PrimitiveError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = error.exit;
}
