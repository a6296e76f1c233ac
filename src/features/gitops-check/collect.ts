import { laneOfFile } from '../../gitops/components.ts';
import { renderedImages } from '../../gitops/rendered.ts';
import { imageRefsOf } from '../../gitops/values.ts';
import type { CheckFinding } from './document.ts';

/** A reference that a lane, or all of them, would deploy. */
export interface FoundRef {
  readonly path: string;
  readonly line?: number;
  /** Undefined if it applies to all lanes. */
  readonly lane: string | undefined;
  /** Of the scalar in a values file; absent in renders. */
  readonly at?: readonly (string | number)[];
  readonly value: string;
}

/** Image references of files, before they are judged. */
export interface Collected {
  readonly refs: readonly FoundRef[];
  readonly findings: readonly CheckFinding[];
  readonly unchecked: readonly { readonly path: string; readonly reason: string }[];
}

/** Whether a file takes part in what is deployed. */
export function isDesired(path: string): boolean {
  return /^(?:sources\/values|environments)\/.*\.ya?ml$/.test(path);
}

/** The references in values and components. `isRendered`: images that are said in parts are judged in the renders. */
export function collectValues(texts: ReadonlyMap<string, string>, isRendered: boolean): Collected {
  const refs: FoundRef[] = [];
  const findings: CheckFinding[] = [];
  const unchecked: { readonly path: string; readonly reason: string }[] = [];
  for (const [path, text] of texts) {
    const read = imageRefsOf(text);
    const lane = laneOfFile(path);
    if (read.problem !== undefined)
      findings.push({ rule: 'IMG003', message: `File cannot be judged: ${read.problem}`, path });
    for (const { line, tool } of read.writers)
      findings.push({
        rule: 'WRT001',
        message: `${tool} writes here, too: only pull requests of the kit's workflows may`,
        path,
        line,
      });
    for (const { value, line, path: at } of read.refs) refs.push({ path, line, lane, at, value });
    for (const { path: at } of isRendered ? [] : read.split)
      unchecked.push({
        path,
        reason: `\`${at.join('.')}\` has parts that only renders combine`,
      });
  }
  return { refs, findings, unchecked };
}

/** The lane of a render: of a component `<lane>/<component>.yaml`, of operators `_operators/<lane>.yaml`. */
function laneOfRender(path: string): string {
  const [folder = '', file = ''] = path.split('/').slice(-2);
  return folder === '_operators' ? file.replace(/\.ya?ml$/, '') : folder;
}

/** The images in renders, as the gate writes them. */
export function collectRendered(texts: ReadonlyMap<string, string>, lanes: readonly string[]): Collected {
  const refs: FoundRef[] = [];
  const findings: CheckFinding[] = [];
  for (const [path, text] of texts) {
    const lane = laneOfRender(path);
    if (!lanes.includes(lane)) {
      findings.push({ rule: 'IMG003', message: `Folder ${lane} is not a lane of kit.yaml`, path });
      continue;
    }
    try {
      for (const { value } of renderedImages(text)) refs.push({ path, lane, value });
    } catch (error) {
      findings.push({ rule: 'IMG003', message: `Render cannot be read: ${(error as Error).message}`, path });
    }
  }
  return { refs, findings, unchecked: [] };
}
