// Written by `npm run generate` from the files beside it.
import type { AnyRule } from '../rule.ts';
import { rule as BPMN_001 } from './BPMN-001.ts';
import { rule as BPMN_002 } from './BPMN-002.ts';
import { rule as BPMN_003 } from './BPMN-003.ts';
import { rule as BPMN_004 } from './BPMN-004.ts';
import { rule as BPMN_005 } from './BPMN-005.ts';
import { rule as BPMN_006 } from './BPMN-006.ts';
import { rule as BPMN_007 } from './BPMN-007.ts';
import { rule as GEN_001 } from './GEN-001.ts';
import { rule as GEN_002 } from './GEN-002.ts';
import { rule as GEN_003 } from './GEN-003.ts';
import { rule as GEN_004 } from './GEN-004.ts';
import { rule as GEN_005 } from './GEN-005.ts';
import { rule as GEN_006 } from './GEN-006.ts';
import { rule as GEN_007 } from './GEN-007.ts';
import { rule as GEN_008 } from './GEN-008.ts';
import { rule as GEN_009 } from './GEN-009.ts';
import { rule as IMP_001 } from './IMP-001.ts';
import { rule as IMP_002 } from './IMP-002.ts';
import { rule as IMP_003 } from './IMP-003.ts';
import { rule as IMP_004 } from './IMP-004.ts';
import { rule as IMP_005 } from './IMP-005.ts';
import { rule as IMP_006 } from './IMP-006.ts';
import { rule as IMP_007 } from './IMP-007.ts';
import { rule as IMP_008 } from './IMP-008.ts';
import { rule as INT_001 } from './INT-001.ts';
import { rule as INT_002 } from './INT-002.ts';
import { rule as INT_003 } from './INT-003.ts';
import { rule as INT_004 } from './INT-004.ts';
import { rule as INT_005 } from './INT-005.ts';
import { rule as INT_006 } from './INT-006.ts';
import { rule as INT_007 } from './INT-007.ts';
import { rule as INT_008 } from './INT-008.ts';
import { rule as MARK_001 } from './MARK-001.ts';
import { rule as MARK_002 } from './MARK-002.ts';
import { rule as SEC_001 } from './SEC-001.ts';
import { rule as SEC_002 } from './SEC-002.ts';
import { rule as SEC_003 } from './SEC-003.ts';
import { rule as SEC_004 } from './SEC-004.ts';
import { rule as SEC_005 } from './SEC-005.ts';
import { rule as SHAPE_001 } from './SHAPE-001.ts';
import { rule as SHAPE_002 } from './SHAPE-002.ts';
import { rule as SHAPE_003 } from './SHAPE-003.ts';
import { rule as SHAPE_004 } from './SHAPE-004.ts';
import { rule as SHAPE_005 } from './SHAPE-005.ts';
import { rule as SHAPE_006 } from './SHAPE-006.ts';
import { rule as SHAPE_007 } from './SHAPE-007.ts';
import { rule as SHAPE_008 } from './SHAPE-008.ts';
import { rule as SHAPE_009 } from './SHAPE-009.ts';
import { rule as SHAPE_010 } from './SHAPE-010.ts';
import { rule as SHAPE_011 } from './SHAPE-011.ts';
import { rule as SHAPE_012 } from './SHAPE-012.ts';
import { rule as SHAPE_013 } from './SHAPE-013.ts';
import { rule as SHAPE_014 } from './SHAPE-014.ts';
import { rule as SHAPE_015 } from './SHAPE-015.ts';
import { rule as SHAPE_016 } from './SHAPE-016.ts';
import { rule as SHAPE_017 } from './SHAPE-017.ts';
import { rule as SHAPE_018 } from './SHAPE-018.ts';
import { rule as TEST_001 } from './TEST-001.ts';
import { rule as TEST_002 } from './TEST-002.ts';
import { rule as TEST_003 } from './TEST-003.ts';
import { rule as TEST_004 } from './TEST-004.ts';
import { rule as TEST_005 } from './TEST-005.ts';
import { rule as TEST_006 } from './TEST-006.ts';
import { rule as TEST_007 } from './TEST-007.ts';
import { rule as TEST_008 } from './TEST-008.ts';
import { rule as TEST_009 } from './TEST-009.ts';
import { rule as TEST_010 } from './TEST-010.ts';
import { rule as TEST_011 } from './TEST-011.ts';

/** All rules, by id. */
export const rules: readonly AnyRule[] = [
  BPMN_001,
  BPMN_002,
  BPMN_003,
  BPMN_004,
  BPMN_005,
  BPMN_006,
  BPMN_007,
  GEN_001,
  GEN_002,
  GEN_003,
  GEN_004,
  GEN_005,
  GEN_006,
  GEN_007,
  GEN_008,
  GEN_009,
  IMP_001,
  IMP_002,
  IMP_003,
  IMP_004,
  IMP_005,
  IMP_006,
  IMP_007,
  IMP_008,
  INT_001,
  INT_002,
  INT_003,
  INT_004,
  INT_005,
  INT_006,
  INT_007,
  INT_008,
  MARK_001,
  MARK_002,
  SEC_001,
  SEC_002,
  SEC_003,
  SEC_004,
  SEC_005,
  SHAPE_001,
  SHAPE_002,
  SHAPE_003,
  SHAPE_004,
  SHAPE_005,
  SHAPE_006,
  SHAPE_007,
  SHAPE_008,
  SHAPE_009,
  SHAPE_010,
  SHAPE_011,
  SHAPE_012,
  SHAPE_013,
  SHAPE_014,
  SHAPE_015,
  SHAPE_016,
  SHAPE_017,
  SHAPE_018,
  TEST_001,
  TEST_002,
  TEST_003,
  TEST_004,
  TEST_005,
  TEST_006,
  TEST_007,
  TEST_008,
  TEST_009,
  TEST_010,
  TEST_011,
];
