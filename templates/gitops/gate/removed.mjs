// What a change takes away once it is merged: said in the log and the summary of the run, for who reviews it.
import { appendFileSync } from 'node:fs';

/** The objects of manifests that Argo CD deploys and keeps, as `Kind name`, sorted; its hooks are none. */
export function objectsIn(manifests) {
  const found = manifests.split(/^---.*$/m).flatMap((text) => {
    const [, kind] = /^kind: *"?(\w+)/m.exec(text) ?? [];
    const [, metadata = ''] = /^metadata:\n((?:(?: .*)?\n)*)/m.exec(`${text}\n`) ?? [];
    const [, name] = /^ {2}name: *"?([^"\n]+)/m.exec(metadata) ?? [];
    if (kind === undefined || name === undefined) return [];
    return /^ {4}"?argocd\.argoproj\.io\/hook"?:/m.test(metadata) ? [] : [`${kind} ${name}`];
  });
  return [...new Set(found)].sort();
}

/** Says what Argo CD deletes: lane -> objects, and Applications that end and have nothing. */
export function sayRemoved(objects, applications) {
  const lines = [...objects]
    .sort()
    .map(([lane, list]) => `Once this is merged, ${lane} loses ${list.join(', ')}.`);
  if (applications.length > 0)
    lines.push(
      `Once this is merged, these Applications end, which have nothing: ${applications.join(', ')}.`,
    );
  for (const line of lines) console.log(`::warning::${line.replaceAll('%', '%25')}`);
  const { GITHUB_STEP_SUMMARY: summary } = process.env;
  if (summary && lines.length > 0) appendFileSync(summary, `${lines.map((line) => `- ${line}\n`).join('')}`);
}
