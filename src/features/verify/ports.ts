import type { Emit } from '../../core/events.ts';
import type { Kinds } from '../../kinds/kind.ts';
import type { RunnerPorts } from '../../languages/ports.ts';
import type { PluginSet } from '../../plugins/set.ts';
import type { Config, Workspace } from '../../repository/config.ts';
import type { Selection } from '../../repository/selection.ts';
import type { FindResult } from '../../toolchain/find.ts';
import type { ProgramName } from '../../toolchain/programs.ts';
import type { BaselineFile, BaselineRequest } from './baseline.ts';
import type { Family } from './family.ts';
import type { RuleHost } from './foreign.ts';
import type { Regenerate } from './generated.ts';
import type { BasePorts } from './proto-base.ts';
import type { CompareProto } from './proto-changes.ts';
import type { AnyRule } from './rule.ts';
import type { ScanStore, ScanThreads } from './scan.ts';
import type { Snapshot, WorkTree } from './work-tree.ts';

/** Request of a user: files, rules and suites to check. */
export interface VerifyRequest {
  readonly selection: Selection;
  /** Only primitives with a change since this revision. */
  readonly changedSince: string | undefined;
  readonly mode: 'primitives' | 'repo';
  /** Empty for all. */
  readonly families: readonly Family[];
  readonly tests: boolean;
  /** Check the index in place of the work tree: what a commit would have. Nothing is run then. */
  readonly staged?: boolean;
  /** Install what lock files name before suites run. */
  readonly install: Installing;
  /** Undefined without `--baseline`. */
  readonly baseline?: BaselineRequest | undefined;
}

/** By what a repository is judged, as one revision has it. */
export interface Policy {
  readonly revision: string;
  readonly files: Snapshot;
  readonly config: Config;
  readonly kinds: Kinds;
}

export interface VerifyPorts extends Workspace {
  readonly kinds: Kinds;
  readonly tree: WorkTree;
  readonly scans: ScanStore;
  readonly threads: ScanThreads;
  /** Ours, and those of {@link plugins}. */
  readonly rules: readonly AnyRule[];
  /** The file that `--baseline` names. */
  readonly baseline?: BaselineFile | undefined;
  /** Config and kinds above are of this revision, and suppressions and baseline too; undefined for those of the work tree. */
  readonly policy?: Policy | undefined;
  readonly plugins: PluginSet;
  ruleHost(): Promise<RuleHost>;
  readonly regenerate: Regenerate;
  readonly compareProto: CompareProto;
  readonly released: BasePorts['released'];
  readonly target?: BasePorts['target'];
  readonly suites: Omit<SuitePorts, 'tree' | 'emit' | 'signal'>;
  /** Where paths in the selection start; absolute, links resolved. */
  readonly cwd: string;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  /** The date of this run in UTC: `2026-11-22`. */
  readonly today: string;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/** Whether what lock files name is installed before suites run, and whether packages may run their scripts then. */
export type Installing = false | { readonly scripts: boolean };

export interface SuitePorts extends RunnerPorts {
  readonly tree: WorkTree;
  readonly program: (name: ProgramName) => Promise<FindResult>;
  /** Variables that say where a service is, such as `TEST_POSTGRES_URL`. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly emit: Emit;
}
