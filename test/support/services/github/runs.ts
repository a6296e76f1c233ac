/** How a step or a job ends. */
export type Conclusion =
  | 'success'
  | 'failure'
  | 'cancelled'
  | 'skipped'
  | 'timed_out'
  | 'action_required'
  | 'startup_failure';

/** What a run does. Each read of the run is a tick; nothing depends on time. */
export interface RunScript {
  /** Statuses of the first ticks, before a job begins: `queued`, `pending`, `waiting`. */
  readonly before?: readonly string[];
  readonly jobs?: readonly {
    readonly name: string;
    readonly steps: readonly {
      readonly name: string;
      readonly conclusion?: Conclusion;
      readonly log?: readonly string[];
    }[];
  }[];
  /** Of the run, where it does not follow from the steps. */
  readonly conclusion?: Conclusion;
  /** Ticks at which it stays in progress without a change; `Infinity` for a run that hangs. */
  readonly idle?: number;
  /** Happens once, when the run completes. */
  readonly onCompleted?: (run: DoubleRun) => Promise<unknown> | unknown;
}

export interface DoubleStep {
  readonly number: number;
  readonly name: string;
  status: string;
  conclusion: Conclusion | null;
}

export interface DoubleJob {
  readonly id: number;
  readonly name: string;
  status: string;
  conclusion: Conclusion | null;
  readonly steps: DoubleStep[];
}

/** A run of a workflow. */
export class DoubleRun {
  status = 'queued';
  conclusion: Conclusion | null = null;
  attempt = 1;
  jobs: DoubleJob[] = [];
  /** Lists that do not show it yet. */
  hidden = 0;
  #tick = 0;
  #script: RunScript = {};

  readonly id: number;
  readonly number: number;
  readonly workflow: { readonly id: number; readonly path: string; readonly name: string };
  readonly branch: string;
  readonly commit: string;
  readonly title: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly actor: string;
  /** ISO 8601, by the clock of the server. */
  readonly created: string;

  constructor(
    facts: Pick<
      DoubleRun,
      'id' | 'number' | 'workflow' | 'branch' | 'commit' | 'title' | 'inputs' | 'actor' | 'created'
    >,
  ) {
    this.id = facts.id;
    this.number = facts.number;
    this.workflow = facts.workflow;
    this.branch = facts.branch;
    this.commit = facts.commit;
    this.title = facts.title;
    this.inputs = facts.inputs;
    this.actor = facts.actor;
    this.created = facts.created;
  }

  /** Begins, or begins again. */
  follow(script: RunScript): void {
    this.#script = script;
    this.#tick = 0;
    this.status = 'queued';
    this.conclusion = null;
    this.jobs = [];
  }

  /** One step further: first the statuses before, then a step at a time. */
  async tick(): Promise<void> {
    if (this.status === 'completed') return;
    const {
      before = [],
      jobs = [{ name: 'scaffold', steps: [{ name: 'Generate' }] }],
      idle = 0,
    } = this.#script;
    const early = before[this.#tick];
    this.#tick += 1;
    if (early !== undefined) {
      this.status = early;
      return;
    }
    if (this.#script.conclusion === 'startup_failure') return this.#complete('startup_failure');
    this.status = 'in_progress';
    if (this.jobs.length === 0) this.#begin(jobs);
    if (this.#tick - before.length <= idle) return;
    if (!this.#advance(jobs)) await this.#complete(this.#script.conclusion ?? this.#worst());
  }

  /** Ends as if a person had pressed Cancel. */
  cancel(): void {
    for (const job of this.jobs.filter(({ status }) => status !== 'completed'))
      Object.assign(job, { status: 'completed', conclusion: 'cancelled' });
    Object.assign(this, { status: 'completed', conclusion: 'cancelled' });
  }

  /** The log of a job; undefined while it runs. Each line has the time that GitHub puts before it. */
  log(job: DoubleJob): string | undefined {
    if (job.status !== 'completed') return undefined;
    const steps = this.#script.jobs?.find(({ name }) => name === job.name)?.steps ?? [];
    const lines = steps.flatMap((step, index) => {
      const state = job.steps[index]?.conclusion;
      if (state === 'skipped' || state === null) return [];
      const own = step.log ?? [];
      const error = state === 'failure' ? ['##[error]Process completed with exit code 1.'] : [];
      return [`##[group]Run ${step.name}`, '##[endgroup]', ...own, ...error];
    });
    return lines.map((line) => `2026-01-02T03:04:05.0000000Z ${line}\n`).join('');
  }

  #begin(jobs: NonNullable<RunScript['jobs']>): void {
    this.jobs = jobs.map(({ name, steps }, index) => ({
      id: this.id * 100 + index + 1,
      name,
      status: index === 0 ? 'in_progress' : 'queued',
      conclusion: null,
      steps: steps.map((step, at) => ({
        number: at + 1,
        name: step.name,
        status: index === 0 && at === 0 ? 'in_progress' : 'queued',
        conclusion: null,
      })),
    }));
  }

  /** Ends the step that runs and begins the next one; false where none is left. */
  #advance(script: NonNullable<RunScript['jobs']>): boolean {
    for (const [index, job] of this.jobs.entries()) {
      if (job.status === 'completed') continue;
      const failed = job.steps.some(({ conclusion }) => conclusion === 'failure');
      const step = job.steps.find(({ status }) => status !== 'completed');
      job.status = 'in_progress';
      if (step) {
        const planned = script[index]?.steps[step.number - 1]?.conclusion ?? 'success';
        Object.assign(step, { status: 'completed', conclusion: failed ? 'skipped' : planned });
        const next = job.steps[step.number];
        if (next && step.conclusion !== 'failure') next.status = 'in_progress';
        if (next) return true;
      }
      const bad = job.steps.find(({ conclusion }) => conclusion !== 'success' && conclusion !== 'skipped');
      Object.assign(job, { status: 'completed', conclusion: bad?.conclusion ?? 'success' });
      return this.jobs.some(({ status }) => status !== 'completed');
    }
    return false;
  }

  #worst(): Conclusion {
    return (
      this.jobs.map(({ conclusion }) => conclusion).find((end) => end !== 'success' && end !== 'skipped') ??
      'success'
    );
  }

  async #complete(conclusion: Conclusion): Promise<void> {
    await this.#script.onCompleted?.(this);
    Object.assign(this, { status: 'completed', conclusion });
  }
}
