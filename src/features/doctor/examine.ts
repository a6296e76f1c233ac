import { type ExitCode, PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import { NO_ANSWER } from '../../core/within.ts';
import type { Check, DoctorReport } from './document.ts';

/** The result of a probe; with a warning if publish works, but not as safely as it could. */
export interface ProbeResult {
  readonly detail: string;
  readonly warning?: { readonly code: string; readonly why?: string; readonly fix: readonly string[] };
}

/** One check; `run` throws a PrimitiveError if it fails, `no-answer` if it cannot be made. */
export interface Probe {
  readonly id: Check['id'];
  /** Probes that must have succeeded before. */
  readonly needs: readonly Check['id'][];
  readonly run: () => Promise<ProbeResult>;
}

/** Facts that only a publish shows. */
const NOT_COVERED = [
  'the steps of Dockerfiles, and what they download',
  'the layers of bases, and layer caches',
  'signing itself: certificate and timestamp authority, or the password of the key',
  'what others push until then',
];

/** The report and its exit code: 3 if a tool, the network or a credential failed, 1 if anything else did. */
export interface Examination {
  readonly report: DoctorReport;
  readonly exit: ExitCode;
}

/** Runs all probes, in parallel if they do not need each other. An error that is no PrimitiveError is thrown on. */
export async function examine(
  probes: readonly Probe[],
  notCovered: readonly string[] = NOT_COVERED,
): Promise<Examination> {
  const started = new Map<Check['id'], Promise<Result>>();
  for (const probe of probes) started.set(probe.id, runProbe(probe, started));
  const results = await Promise.all(started.values());
  const checks = results.map(({ check }) => check);
  const ok = checks.every(({ state }) => state === 'ok' || state === 'warn');
  const exits = results.map(({ exit }) => exit);
  const exit = exits.includes(3) ? 3 : ok ? 0 : 1;
  return { report: { schema: 'primitive.doctor/v1', ok, checks, notCovered: [...notCovered] }, exit };
}

interface Result {
  readonly check: Check;
  readonly exit: ExitCode;
}

async function runProbe(
  { id, needs, run }: Probe,
  started: ReadonlyMap<Check['id'], Promise<Result>>,
): Promise<Result> {
  for (const need of needs) {
    const state = (await started.get(need))?.check.state;
    if (state !== 'ok' && state !== 'warn') {
      return { check: { id, state: 'skipped', detail: `needs ${need}`, fix: [] }, exit: 0 };
    }
  }
  try {
    const { detail, warning } = await run();
    if (warning === undefined) return { check: { id, state: 'ok', detail, fix: [] }, exit: 0 };
    return { check: { id, state: 'warn', detail, ...warning }, exit: 0 };
  } catch (error) {
    if (!(error instanceof PrimitiveError) || error.code === 'interrupted') throw error;
    const { code, message, why, suggestions, exit } = error;
    const check = {
      id,
      state: code === NO_ANSWER ? 'unknown' : 'fail',
      detail: message,
      ...optional('why', why),
      code,
    } as const;
    return { check: { ...check, fix: suggestions }, exit };
  }
}
