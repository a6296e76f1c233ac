import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBpmn } from '../../src/kinds/generators/bpmn/compile.ts';

/**
 * Prints what becomes of every distinct model below a folder, by its first folder and by the rule that refuses it:
 * `node test/bench/bpmn-corpus.ts FOLDER [RULE]`; with a rule, the models that it refuses.
 */
const [folder, rule] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node test/bench/bpmn-corpus.ts FOLDER [RULE]');
const seen = new Set<string>();
const groups = new Map<string, Map<string, number>>();
for (const path of (await readdir(folder, { recursive: true }))
  .filter((name) => name.endsWith('.bpmn'))
  .sort()) {
  const bytes = await readFile(join(folder, path));
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (seen.has(digest)) continue;
  seen.add(digest);
  const read = await readBpmn(bytes, path);
  const outcomes =
    'model' in read ? ['accepted'] : [...new Set(read.findings.map((finding) => finding.rule))];
  if (rule !== undefined && outcomes.includes(rule) && !('model' in read)) {
    for (const { rule: found, line, message } of read.findings.slice(0, 3)) {
      process.stdout.write(`${path}:${line}: ${found}: ${message}\n`);
    }
  }
  for (const group of [path.split('/')[0] ?? path, 'all']) {
    const counts = groups.get(group) ?? new Map<string, number>();
    groups.set(group, counts);
    for (const outcome of ['models', ...outcomes]) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
}
for (const [group, counts] of rule === undefined ? groups : []) {
  process.stdout.write(`${group}\n`);
  for (const [outcome, count] of [...counts].sort(([, a], [, b]) => b - a)) {
    process.stdout.write(`  ${String(count).padStart(5)}  ${outcome}\n`);
  }
}
