/** Scaffolds as the command does, in a process of its own: `scaffold-run.ts ROOT [NAME [update]]`; exit code and error as JSON. */
import { PrimitiveError } from '../../src/core/errors.ts';
import { scaffold } from './scaffold-world.ts';

const [root = '', name, update] = process.argv.slice(2);
const stop = new AbortController();
const interrupted = new PrimitiveError('interrupted', 'Stopped.', { exit: 130 });
process.on('SIGINT', () => stop.abort(interrupted));
try {
  await scaffold(root, name === undefined ? {} : { name, update: update !== undefined }, stop.signal);
} catch (error) {
  const known =
    error instanceof PrimitiveError
      ? { code: error.code, exit: error.exit }
      : { code: String(error), exit: 70 };
  process.stdout.write(JSON.stringify(known));
  process.exitCode = known.exit;
}
