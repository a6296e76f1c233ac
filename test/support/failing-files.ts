/**
 * Preloaded into a process of its own: lets the file system fail, or the process end, at the n-th operation that
 * changes something. `FAIL_AT` is n (0: never), `FAIL_HOW` an error code or `SIGKILL`, `SIGINT`. When the process ends,
 * the number of operations goes to the file `FAIL_COUNT`.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const at = Number(process.env.FAIL_AT);
const how = process.env.FAIL_HOW ?? '';
let count = 0;

function step(name: string): void {
  count += 1;
  if (count !== at) return;
  if (how === 'SIGKILL' || how === 'SIGINT') {
    process.kill(process.pid, how);
    return;
  }
  throw Object.assign(new Error(`${how}: made to fail, ${name}`), {
    code: how,
    syscall: name,
    path: '/made/to/fail',
  });
}

type Operation = (...args: unknown[]) => unknown;

function wrap(target: object, names: readonly string[]): void {
  const operations = target as Record<string, Operation>;
  for (const name of names) {
    const real = operations[name];
    if (real === undefined) throw new Error(`no operation ${name}`);
    operations[name] = function failing(this: unknown, ...args: unknown[]) {
      step(name);
      return real.apply(this, args);
    };
  }
}

wrap(fs, [
  'mkdirSync',
  'mkdtempSync',
  'writeFileSync',
  'renameSync',
  'chmodSync',
  'copyFileSync',
  'linkSync',
  'rmSync',
  'rmdirSync',
]);
const promises = fs.promises as unknown as Record<string, Operation>;
for (const name of ['mkdir', 'writeFile']) {
  const real = promises[name];
  if (real === undefined) throw new Error(`no operation ${name}`);
  promises[name] = async (...args: unknown[]) => {
    step(name);
    return real.apply(promises, args);
  };
}
syncBuiltinESMExports();
process.on('exit', () => {
  const file = fs.openSync(process.env.FAIL_COUNT ?? '', 'w');
  fs.writeSync(file, String(count));
});
