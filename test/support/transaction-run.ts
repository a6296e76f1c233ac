/** Makes the changes of `changes.json` in a process of its own: `transaction-run.ts ROOT`; exit code and error as JSON. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PrimitiveError } from '../../src/core/errors.ts';
import { applyChanges, type FileChange } from '../../src/repository/transaction.ts';

const [root = ''] = process.argv.slice(2);
const { changes, isNew }: { changes: readonly FileChange[]; isNew: boolean } = JSON.parse(
  readFileSync(join(dirname(root), 'changes.json'), 'utf8'),
);
try {
  const staging = join(dirname(root), '.staging');
  await applyChanges({ root, changes, isNew, staging, what: 'write', code: 'kit' });
} catch (error) {
  const known =
    error instanceof PrimitiveError
      ? { code: error.code, exit: error.exit }
      : { code: String(error), exit: 70 };
  process.stdout.write(JSON.stringify(known));
  process.exitCode = known.exit;
}
