import type { Family } from './family.ts';
import { handlerScan } from './handlers.ts';
import { sourceScan } from './imports/scan.ts';
import { deploymentScan } from './manifests.ts';
import { markerScan } from './markers.ts';
import type { AnyScan } from './rule.ts';
import { secretScan } from './secrets/scan.ts';
import type { SubjectName } from './subjects.ts';

/** Scans, each with the family that judges what it finds, and the subject that needs it besides its own. */
export const SCANS: readonly {
  readonly scan: AnyScan;
  readonly family: Family;
  readonly for?: SubjectName;
}[] = [
  { scan: deploymentScan, family: 'SHAPE' },
  { scan: handlerScan, family: 'BPMN', for: 'model' },
  { scan: markerScan, family: 'MARK' },
  { scan: secretScan, family: 'SEC' },
  { scan: sourceScan, family: 'IMP', for: 'import' },
];
