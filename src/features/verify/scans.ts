import { handlerScan } from './handlers.ts';
import { sourceScan } from './imports/scan.ts';
import { deploymentScan } from './manifests.ts';
import { markerScan } from './markers.ts';
import type { AnyScan } from './rule.ts';
import { secretScan } from './secrets/scan.ts';
import type { SubjectName } from './subjects.ts';

/** Scans, each with the subject that needs it besides its own. */
export const SCANS: readonly { readonly scan: AnyScan; readonly for?: SubjectName }[] = [
  { scan: deploymentScan },
  { scan: handlerScan, for: 'model' },
  { scan: markerScan },
  { scan: secretScan },
  { scan: sourceScan, for: 'import' },
];
