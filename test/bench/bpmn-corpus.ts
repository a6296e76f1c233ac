import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../../src/core/finding.ts';
import { readBpmn } from '../../src/kinds/generators/bpmn/compile.ts';
import { createStyle } from '../../src/render/style.ts';
import { table } from '../../src/render/table.ts';

/**
 * Prints what becomes of the models below a folder: `node test/bench/bpmn-corpus.ts FOLDER` counts them by first folder
 * and reason, each text once; with a rule as second argument it lists what that rule finds.
 */
const [folder, rule] = process.argv.slice(2);
if (folder === undefined) throw new Error('Folder of models missing: node test/bench/bpmn-corpus.ts FOLDER');

interface Counts {
  readonly models: number;
  readonly accepted: number;
  readonly warned: number;
}

const paths = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.bpmn')).sort();
const seen = new Set<string>();
const groups = new Map<string, Counts>();
const reasons = new Map<string, number>();
const listed: Finding[] = [];
for (const path of paths) {
  const bytes = await readFile(join(folder, path));
  if (seen.size === seen.add(bytes.toString('latin1')).size) continue;
  const read = await readBpmn(bytes, path);
  const findings = 'model' in read ? read.model.warnings : read.findings;
  listed.push(...findings);
  const accepted = 'model' in read ? 1 : 0;
  const warned = accepted === 1 && findings.length > 0 ? 1 : 0;
  for (const group of [path.split('/')[0] ?? '', 'all']) {
    const old = groups.get(group) ?? { models: 0, accepted: 0, warned: 0 };
    groups.set(group, {
      models: old.models + 1,
      accepted: old.accepted + accepted,
      warned: old.warned + warned,
    });
  }
  for (const reason of new Set(findings.map((finding) => `${finding.level} ${finding.rule}`))) {
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
}
if (rule === undefined) {
  const plain = createStyle(false);
  const rows = [...groups].map(([group, { models, accepted, warned }]) => [group, models, accepted, warned]);
  process.stdout.write(
    table(
      [['folder', 'models', 'accepted', 'with a warning'], ...rows].map((row) => row.map(String)),
      plain,
    ),
  );
  const counted = [...reasons]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => [reason, String(count)]);
  process.stdout.write(`\n${table([['reason', 'models'], ...counted], plain)}`);
}
for (const { path, line, message } of listed.filter((finding) => finding.rule === rule)) {
  process.stdout.write(`${path}:${line}: ${message}\n`);
}
