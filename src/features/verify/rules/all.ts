// Written by `npm run generate` from the files beside it.
import type { AnyRule } from '../rule.ts';
import { rule as INT_001 } from './INT-001.ts';
import { rule as INT_002 } from './INT-002.ts';
import { rule as INT_003 } from './INT-003.ts';
import { rule as INT_004 } from './INT-004.ts';
import { rule as MARK_001 } from './MARK-001.ts';

/** All rules, by id. */
export const rules: readonly AnyRule[] = [
  INT_001,
  INT_002,
  INT_003,
  INT_004,
  MARK_001,
];
