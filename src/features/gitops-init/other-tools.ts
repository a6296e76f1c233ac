import { globSync } from 'node:fs';
import { PrimitiveError } from '../../core/errors.ts';
import { KIT_PARTS } from '../../gitops/kit-document.ts';

/**
 * Refuses to install what Argo CD deploys beside a tool that would not read it, or that it would not read. `isChosen`: the
 * owner has said which parts are to be installed.
 *
 * Throws `kit-flux` and, unless they are chosen, `kit-kustomize` (exit 2).
 */
export function refuseOthers(root: string, isChosen: boolean): void {
  const flux = firstOf(root, ['**/gotk-components.yaml', '**/gotk-sync.yaml']);
  if (flux !== undefined) {
    throw new PrimitiveError(
      'kit-flux',
      'Cannot install what the kit has for Argo CD: Flux deploys this repository.',
      { why: `${flux} is here, and Flux does not read Argo CD's objects.`, suggestions: [ALONE] },
    );
  }
  const overlay = firstOf(root, ['**/kustomization.yaml', '**/kustomization.yml', '**/Kustomization']);
  if (overlay === undefined || isChosen) return;
  throw new PrimitiveError(
    'kit-kustomize',
    'Cannot install what the kit has for Argo CD: this repository has overlays of Kustomize.',
    {
      why: `${overlay} is here. Applications of the kit are made of charts and values, and read no overlay. The gate builds those that lanes of kit.yaml name (\`overlays\`).`,
      suggestions: [
        `Or install the whole kit beside them: primitive gitops init --parts ${KIT_PARTS.join(',')}`,
        ALONE,
      ],
    },
  );
}

const ALONE =
  'The workflow that writes wiring, the charts and the gate alone: primitive gitops init --parts workflow,gate,charts';

/** Relative, with forward slashes. */
function firstOf(root: string, patterns: string[]): string | undefined {
  const found = globSync(patterns, { cwd: root, exclude: ['**/node_modules'] });
  return found.map((path) => path.replaceAll('\\', '/')).sort()[0];
}
