import type { Outcome } from '../../render/outcome.ts';
import type { Style } from '../../render/style.ts';
import type { KitInitDocument } from './document.ts';

/** Everything that `gitops init` can be shown as. */
export function kitOutcome(document: KitInitDocument): Outcome {
  return { document, text: (style) => kitText(document, style), exit: 0 };
}

/** Changed files, and the number of unchanged ones. */
function kitText({ files, version, sources, lanes, next, written }: KitInitDocument, style: Style): string {
  const changed = files.filter(({ action }) => action !== 'unchanged');
  const lines = changed.map(
    ({ path, action, lines: at }) => `${style.bold(action.padEnd(9))} ${path}${at ? `:${at.join(',')}` : ''}`,
  );
  const same = files.length - changed.length;
  if (same > 0) lines.push(style.dim(`${same} ${same === 1 ? 'file is' : 'files are'} up to date`));
  for (const { repository, change, signers, settings } of sources) {
    lines.push(`${style.bold(change.padEnd(9))} source ${repository}`);
    lines.push(...settings.map((setting) => `  ${setting}`));
    for (const { change: what, tier, signer } of signers)
      lines.push(`  ${what === 'added' ? 'may seal' : 'may no longer seal'}, ${tier}: ${signer}`);
  }
  for (const { name, change, namespace, cluster } of lanes)
    lines.push(
      `${style.bold(change.padEnd(9))} lane ${name}: the workloads in ${namespace} on ${cluster} keep running`,
    );
  const steps = next.map((step) => `  ${step}`);
  const after = written
    ? ['', `The kit of primitive ${version} is installed. Next:`, ...steps]
    : ['', 'Nothing was written.', ...(lanes.length > 0 ? ['Next steps:', ...steps] : [])];
  return `${[...lines, ...after].join('\n')}\n`;
}
