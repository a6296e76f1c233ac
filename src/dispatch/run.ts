import { errorLine, PrimitiveError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { optional } from '../core/object.ts';
import type { Clock } from '../http/retry.ts';
import { type Asked, idIn, keyOf, showId } from './asked.ts';
import { lookUp, type RunTarget, readable } from './diagnose.ts';
import type { GitopsRunDocument, RunProblem } from './document.ts';
import { awaitPull, foreignFiles, openPull } from './find-pull.ts';
import { findRun, isOf, type RequestRun } from './find-run.ts';
import { type FollowContext, follow, type RunState } from './follow.ts';
import type { GitHub, GitHubRepository, PullRequest, WorkflowRun } from './github.ts';
import { allowedFiles, checkInputs, filesOf, fillTemplate, type InputsFile, inputsIn } from './inputs.ts';
import { problem, problemOf } from './problem.ts';
import { documentOf, withFiles } from './report.ts';
import { startRun } from './start-run.ts';

export interface DispatchRequest {
  readonly target: RunTarget;
  readonly file: InputsFile;
  readonly given: Readonly<Record<string, string>>;
  /** Values that an input may have, by its name, if the caller knows them. */
  readonly choices: Readonly<Record<string, readonly string[]>>;
  /** Does not look whether it is there already. */
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** How far a request is followed: not at all, to the end of its run, or to its pull request. */
export type Wait = 'none' | 'run' | 'pr';

export interface DispatchPorts {
  /** Throws `github-token-missing` (exit 3). */
  github(repository: string): Promise<GitHub>;
  /** The command that follows a request again: `primitive gitops scaffold`. */
  readonly command: string;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Also ends the requests of `github`. The reason of a time limit has the code `gitops-timeout`. */
  readonly signal: AbortSignal;
}

/** Facts that a dry run without a network leaves out. */
const LOOKED_UP = [
  'whether the workflow can be started',
  'whether the same request is under way',
  'whether its files are in an open pull request or on the default branch',
];

/**
 * Asks a workflow of the GitOps repository for a run: a request that is under way, started by whomever, is followed, and
 * one that has its pull request or its files is not made again. Then follows it as far as `wait` says. A dry run needs no
 * network.
 *
 * Throws `gitops-input-invalid`, and what {@link lookUp}, {@link startRun} and {@link GitHub} throw. What happens to the
 * run is part of the result.
 */
export async function runDispatch(
  request: DispatchRequest,
  wait: Wait,
  ports: DispatchPorts,
): Promise<GitopsRunDocument> {
  const asked = askedOf(request, checkInputs(request.file, request.given, request.choices));
  if (!request.dryRun) return ask(asked, request, wait, ports);
  return ask(asked, request, wait, ports).catch((error: unknown) => {
    // A temporary failure says nothing about the request.
    if (ports.signal.aborted || !(error instanceof PrimitiveError && error.retryable)) throw error;
    return documentOf(asked, 'planned', { unchecked: { why: errorLine(error), facts: LOOKED_UP } });
  });
}

async function ask(
  asked: Asked,
  { force, dryRun }: DispatchRequest,
  wait: Wait,
  ports: DispatchPorts,
): Promise<GitopsRunDocument> {
  const { emit, signal } = ports;
  const github = await ports.github(asked.repository);
  emit({ type: 'step', step: 'facts', message: `Reading ${asked.repository}` });
  const facts = await lookUp(github, asked);
  const key = keyOf(asked);
  const earlier = await findRun(github, asked, { key });
  if (earlier !== undefined && earlier.run.status !== 'completed') {
    const { run, id } = earlier;
    const message = `The same request has a run, started by ${run.actor}: ${run.id}`;
    emit({ type: 'step', step: 'resume', message });
    return followRequest(asked, { run, id }, dryRun ? 'none' : wait, github, ports);
  }
  // Who waits for a pull request must be allowed to see it: said now, not after the run.
  const pulls = await (wait === 'pr' ? github.pulls(asked.branch) : readable(github.pulls(asked.branch)));
  // The result of a move follows from the state of the repository, which its run reads.
  const isKnown = asked.proposes === undefined;
  const there = force || !isKnown ? undefined : await existing(asked, { ...facts, pulls }, github, ports);
  if (there !== undefined) return there;
  if (dryRun) return documentOf(asked, 'planned');

  const id = { key, attempt: (earlier?.id.attempt ?? 0) + 1 };
  const run = await startRun(asked, id, facts, { ...ports, github }).catch((error: unknown) => {
    throw error === signal.reason ? stoppedBefore(signal.reason) : error;
  });
  return followRequest(asked, { run, id }, wait, github, ports);
}

/**
 * Follows a run of before, by its id or its URL. Throws `invalid-flag`, `gitops-run-missing`, `gitops-run-foreign` (exit
 * 2).
 */
export async function resumeDispatch(
  resumed: string,
  request: Pick<DispatchRequest, 'target' | 'file'>,
  wait: Wait,
  ports: DispatchPorts,
): Promise<GitopsRunDocument> {
  const { target, file } = request;
  const { repository, workflow, ref } = target;
  const { place, number } = parseRun(resumed, target);
  const github = await ports.github(repository);
  const isHere = place === undefined || place.toLowerCase() === github.address.toLowerCase();
  const run = isHere ? await github.run(Number(number)) : undefined;
  if (run === undefined) {
    throw new PrimitiveError('gitops-run-missing', `Run ${resumed} not found in ${github.address}.`, {
      why: isHere ? 'It was deleted, or belongs to another repository.' : 'It belongs to another repository.',
      suggestions: [`gh run list --repo ${github.address} --workflow ${workflow}`],
    });
  }
  const inputs = inputsIn(run.title, file);
  const id = idIn(run.title);
  if (inputs === undefined || id === undefined || !isOf(run, target)) {
    throw new PrimitiveError(
      'gitops-run-foreign',
      `Run ${run.id} does not belong to a request of this command.`,
      {
        why: `It is ${JSON.stringify(run.title)}, started by ${run.event} of ${run.workflow} on ${run.ref}, not by workflow_dispatch of ${workflow} on ${ref}.`,
        suggestions: ['Run the command without --resume: it follows the run of the request.'],
      },
    );
  }
  // The name of a run has not all inputs: which files it adds is not known.
  const asked = { ...askedOf(request, checkInputs(file, inputs)), files: [] };
  return followRequest(asked, { run, id }, wait, github, ports);
}

/** The run that `--resume` names. Throws `invalid-flag` (exit 2). */
export function parseRun(
  resumed: string,
  { repository, workflow }: RunTarget,
): { readonly place: string | undefined; readonly number: string } {
  const [, place, number] =
    /^(?:https?:\/\/(.+)\/actions\/runs\/)?([1-9]\d{0,15})(?:\/|$)/.exec(resumed) ?? [];
  if (number !== undefined) return { place, number };
  throw new PrimitiveError('invalid-flag', `--resume ${JSON.stringify(resumed)} is not a run.`, {
    suggestions: [`gh run list --repo ${repository} --workflow ${workflow}`, '--resume 16000000001'],
  });
}

function askedOf(
  { target, file }: Pick<DispatchRequest, 'target' | 'file'>,
  inputs: Readonly<Record<string, string>>,
): Asked {
  return {
    ...target,
    inputs: sent(inputs, file),
    branch: fillTemplate(file.branch, inputs),
    files: filesOf(file, inputs),
    ...((file.files ?? file.changes) ? { allowed: allowedFiles(file, inputs) } : {}),
    ...optional('proposes', file.proposes),
  };
}

/** The inputs to send: one with its default value is left out, so that an older workflow need not have it. */
function sent(
  inputs: Readonly<Record<string, string>>,
  { inputs: rules }: InputsFile,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(inputs).filter(([name, value]) => value !== rules[name]?.default));
}

/** Whether the default branch has all of these files. */
async function hasFiles(
  files: readonly string[],
  { defaultBranch }: GitHubRepository,
  github: GitHub,
): Promise<boolean> {
  const texts = await Promise.all(files.map((path) => readable(github.file(path, defaultBranch))));
  return texts.every((text) => text !== undefined);
}

/** Whether the files of a request are known, and on the default branch. */
async function isWired({ files }: Asked, github: GitHub): Promise<boolean> {
  const repository = files.length > 0 ? await github.repository() : undefined;
  return repository !== undefined && hasFiles(files, repository, github);
}

/** The result if there is nothing to request: all files are on the default branch, or in an open pull request. */
async function existing(
  wanted: Asked,
  {
    repository,
    pulls,
  }: { readonly repository: GitHubRepository; readonly pulls: readonly PullRequest[] | undefined },
  github: GitHub,
  { emit }: DispatchPorts,
): Promise<GitopsRunDocument | undefined> {
  const open = openPull(pulls ?? [], repository);
  const pull = open && (await withFiles(open, github));
  const foreign = pull && foreignProblem(pull, wanted);
  if (foreign) return documentOf(wanted, 'failed', { pull, problem: foreign });
  const rest = wanted.files.filter((file) => !pull?.files.some(({ path }) => path === file));
  const isProposed = pull !== undefined && rest.length < Math.max(1, wanted.files.length);
  if (!isProposed && rest.length === 0) return undefined;
  if (!(await hasFiles(rest, repository, github))) return undefined;
  if (!isProposed) return documentOf(wanted, 'exists');
  if (open) warnOfAuthor(open, emit);
  emit({ type: 'step', step: 'exists', message: `Pull request #${pull.number} is open` });
  return documentOf(wanted, 'exists', { pull });
}

/** Follows a run, then its pull request. Every error says how to go on. */
async function followRequest(
  asked: Asked,
  { run: started, id }: RequestRun,
  wait: Wait,
  github: GitHub,
  ports: DispatchPorts,
): Promise<GitopsRunDocument> {
  const entry = { ...asked, id: showId(id) };
  const resume = `${ports.command} --resume ${started.id}`;
  try {
    if (wait === 'none')
      return documentOf(entry, 'dispatched', { state: { run: started, jobs: [] }, next: [resume] });
    const state = await followEqual({ run: started, id }, asked, { ...ports, github });
    if (state.run.status !== 'completed') {
      const late = tooLate(state.run, ports.signal.reason, resume);
      return documentOf(entry, 'unfinished', { state, problem: late, next: [resume] });
    }
    const wrong = await problemOf(state, entry, github);
    if (wrong !== undefined) {
      // The workflow refuses to write what an equal run has proposed and somebody has merged by now.
      const isMerged = asked.inputs.force !== 'true' && (await isWired(asked, github));
      return isMerged
        ? documentOf(entry, 'exists', { state })
        : documentOf(entry, 'failed', { state, problem: wrong });
    }
    if (wait === 'run') return documentOf(entry, 'passed', { state, next: [resume] });
    if (isSkipped(state, asked.proposes)) return documentOf(entry, 'exists', { state });
    ports.emit({ type: 'step', step: 'pull', message: `Searching for the pull request of ${entry.branch}` });
    const pull = await awaitPull(github, entry.branch, state.run.created, ports);
    if (pull === undefined) return await withoutPull(entry, state, github);
    warnOfAuthor(pull, ports.emit);
    return ofPull(entry, state, await withFiles(pull, github));
  } catch (error) {
    throw resumable(error, started, resume);
  }
}

function isSkipped({ jobs }: RunState, name: string | undefined): boolean {
  const steps = jobs.flatMap((job) => job.steps).filter((step) => step.name === name);
  return steps.length > 0 && steps.every(({ conclusion }) => conclusion === 'skipped');
}

/** Follows a run. An equal one takes its place if it is cancelled, see {@link findRun}. */
async function followEqual(
  { run, id }: RequestRun,
  target: RunTarget,
  context: FollowContext,
): Promise<RunState> {
  const state = await follow(run, context);
  if (state.run.conclusion !== 'cancelled') return state;
  const other = await findRun(context.github, target, id);
  return other === undefined || other.run.conclusion === 'cancelled'
    ? state
    : followEqual(other, target, context);
}

function ofPull(
  entry: Asked,
  state: RunState,
  pull: NonNullable<GitopsRunDocument['pull']>,
): GitopsRunDocument {
  const foreign = pull.state === 'closed' ? undefined : foreignProblem(pull, entry);
  if (foreign) return documentOf(entry, 'failed', { state, pull, problem: foreign });
  if (pull.state === 'merged') return documentOf(entry, 'merged', { state, pull });
  if (pull.state === 'open')
    return documentOf(entry, 'proposed', { state, pull, next: [`Review and merge ${pull.url}`] });
  return documentOf(entry, 'failed', {
    state,
    pull,
    problem: problem('pull-closed', `Pull request #${pull.number} was closed without being merged.`, {
      why: `Run ${state.run.id} succeeded and made it.`,
      suggestions: [`Open it: ${pull.url}`, 'Run the same command again to propose it again.'],
    }),
  });
}

/** The problem of a pull request that changes more than the wiring of a primitive. */
function foreignProblem(
  { number, url, files }: NonNullable<GitopsRunDocument['pull']>,
  { allowed }: Pick<Asked, 'allowed'>,
): RunProblem | undefined {
  const foreign = foreignFiles(files, allowed);
  if (foreign.length === 0) return undefined;
  return problem('pull-foreign', `Pull request #${number} changes files that the workflow does not write.`, {
    why: foreign.join('\n'),
    suggestions: [
      `Review it and its commits: ${url}`,
      'Close it and delete its branch, or remove those changes; then run the same command again.',
    ],
  });
}

/** A workflow opens its pull requests as an app, or as the account of a token that its owner has set up. */
function warnOfAuthor({ number, author, byApp }: PullRequest, emit: Emit): void {
  if (byApp) return;
  const message = `Pull request #${number} was opened by ${author}, which is not an app: check that it is the workflow's.`;
  emit({ type: 'warning', code: 'gitops-pull-author', message });
}

/** A run that succeeded without a pull request: because there was nothing to change, or for a reason that it says. */
async function withoutPull(entry: Asked, state: RunState, github: GitHub): Promise<GitopsRunDocument> {
  if (await isWired(entry, github)) return documentOf(entry, 'exists', { state });
  return documentOf(entry, 'failed', {
    state,
    problem: problem('pull-missing', `Run ${state.run.id} succeeded, but its pull request was not found.`, {
      why: `No pull request of ${entry.repository} has the head branch ${entry.branch}, or GitHub does not list it yet.`,
      suggestions: [
        `Open the run: ${state.run.url}`,
        `Search for it: gh pr list --repo ${github.address} --head ${entry.branch} --state all`,
      ],
    }),
  });
}

function tooLate(run: WorkflowRun, { message }: PrimitiveError, resume: string): RunProblem {
  if (run.status === 'waiting') {
    return problem('run-waiting', `Run ${run.id} waits for an approval.`, {
      why: `${message} A rule of its environment requires an approval.`,
      suggestions: [`Approve it: ${run.url}`, resume],
    });
  }
  if (run.status === 'queued') {
    return problem('run-queued', `Run ${run.id} waits for a runner.`, {
      why: `${message} No runner has started its job.`,
      suggestions: [
        `Check which runner it requires: ${run.url}`,
        'Check in Settings, Actions, Runners of the repository that a runner with its labels is online.',
        resume,
      ],
    });
  }
  return problem('timeout', `Run ${run.id} is not completed.`, {
    why: `${message} Its status is ${run.status}. It continues: ${run.url}`,
    suggestions: [resume, `Or wait longer: ${resume} --timeout 60m`],
  });
}

/** The reason of the signal, before the run was found: the request may have been sent. */
function stoppedBefore(reason: PrimitiveError): PrimitiveError {
  const { code, message, exit, retryable } = reason;
  const why = 'The request may have been sent; its run continues.';
  const suggestions = ['Run the same command again: it follows that run.'];
  return new PrimitiveError(code, message, { why, suggestions, exit, retryable, cause: reason });
}

/** An error from while a run was followed: the run goes on, and can be followed again. */
function resumable(error: unknown, { id, url }: WorkflowRun, resume: string): unknown {
  if (!(error instanceof PrimitiveError)) return error;
  const { code, message, why, suggestions, exit, retryable } = error;
  const stopped = code === 'interrupted';
  return new PrimitiveError(code, stopped ? `Stopped following run ${id}.` : message, {
    why: `${stopped || why === undefined ? '' : `${why}\n`}The run continues: ${url}`,
    suggestions: [resume, ...suggestions],
    exit,
    retryable,
    cause: error,
  });
}
