import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import type { Clock } from '../../http/retry.ts';
import { lookUp, readable, type Target } from './diagnose.ts';
import type { GitopsRunDocument, Problem } from './document.ts';
import { awaitPull, foreignFiles, openPull } from './find-pull.ts';
import { awaitRun, findRun } from './find-run.ts';
import { follow, type RunState } from './follow.ts';
import type { GitHub, PullRequest, Repository, WorkflowRun } from './github.ts';
import { allowedFiles, checkInputs, filesOf, fillTemplate, type InputsFile } from './inputs.ts';
import { type Asked, type Journal, type JournalEntry, keyOf } from './journal.ts';
import { problem, problemOf } from './problem.ts';
import { documentOf, inputsText, withFiles } from './report.ts';
import { startRun } from './start-run.ts';

/** What is to be asked for. */
export interface DispatchRequest {
  readonly target: Target;
  readonly file: InputsFile;
  readonly given: Readonly<Record<string, string>>;
  /** Values that an input may have, by its name, where the caller knows them. */
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
  readonly journal: Journal;
  /** A new id of 8 to 64 lower-case letters, digits and hyphens. */
  newId(): string;
  /** The command that follows a request again: `primitive gitops scaffold`. */
  readonly command: string;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Also ends the requests of `github`. The reason of a time limit has the code `gitops-timeout`. */
  readonly signal: AbortSignal;
}

/**
 * Asks a workflow of the GitOps repository for a run, once: a request that is under way is followed, and one that has
 * its pull request or its files is not made again. Then follows it as far as `wait` says.
 *
 * Throws `gitops-input-invalid`, and what {@link lookUp}, {@link startRun} and {@link GitHub} throw. What happens to the
 * run is part of the result.
 */
export async function runDispatch(
  request: DispatchRequest,
  wait: Wait,
  ports: DispatchPorts,
): Promise<GitopsRunDocument> {
  const { target, file, force } = request;
  const { journal, emit } = ports;
  const inputs = checkInputs(file, request.given, request.choices);
  const github = await ports.github(target.repository);
  emit({ type: 'step', step: 'facts', message: `Reading ${target.repository}` });
  const wanted = {
    schema: 'primitive.gitops-journal/v1' as const,
    api: github.api,
    ...target,
    inputs: sent(inputs, file),
    branch: fillTemplate(file.branch, inputs),
    files: filesOf(file, inputs),
    ...(file.files === undefined ? {} : { allowed: allowedFiles(file, inputs) }),
  };
  const key = keyOf(wanted);
  const facts = await lookUp(github, target);
  const kept = await journal.read(key);
  const earlier = kept && (await findRun(github, kept));
  // A run that was never recorded is of a call that was killed: what came of it was not shown yet.
  if (kept && earlier && (earlier.status !== 'completed' || kept.run === undefined)) {
    emit({ type: 'step', step: 'resume', message: `The same request has a run: ${earlier.id}` });
    const found = { ...kept, run: earlier.id };
    if (request.dryRun) return followRequest(found, earlier, 'none', github, ports);
    await journal.replace(key, found);
    return followRequest(found, earlier, wait, github, ports);
  }
  // Who waits for a pull request must be allowed to see it: said now, not after the run.
  const pulls = await (wait === 'pr' ? github.pulls(wanted.branch) : readable(github.pulls(wanted.branch)));
  const there = force ? undefined : await existing(wanted, { ...facts, pulls }, github, ports);
  if (there !== undefined) return there;
  if (request.dryRun) return documentOf(wanted, 'planned');

  const claim = ports.newId();
  const fresh = { ...wanted, id: claim, claim };
  const ended = kept?.run === undefined ? undefined : kept;
  // An entry without a run is of a request on its way, by another process or one that was killed: it keeps its id.
  const entry = await journal.create(key, fresh, ended);
  const holds = async () => (await journal.read(key))?.claim === claim;
  const forget = async () => {
    if (await holds()) await journal.remove(key);
  };
  const foundOrStarted = async () =>
    (entry.claim === claim ? undefined : await awaitOther(entry, claim, key, github, ports)) ??
    startRun(entry, facts, { ...ports, github, holds, forget });
  const started = await foundOrStarted().catch((error: unknown) => {
    const { reason } = ports.signal;
    throw error === reason ? stoppedBefore(reason, `${ports.command} --resume ${entry.id}`) : error;
  });
  const followed = { ...entry, claim, run: started.id };
  await journal.replace(key, followed);
  return followRequest(followed, started, wait, github, ports);
}

/**
 * Follows a request of before, by its id or by that of its run. Throws `gitops-request-unknown`, `gitops-run-missing`
 * (exit 2).
 */
export async function resumeDispatch(
  id: string,
  wait: Wait,
  ports: DispatchPorts,
): Promise<GitopsRunDocument> {
  const entries = await ports.journal.list();
  const entry = entries.find((one) => one.id === id || `${one.run}` === id);
  if (entry === undefined) {
    throw new PrimitiveError('gitops-request-unknown', `Request ${id} not found.`, {
      why: 'The journal of this machine has no request and no run of this id.',
      suggestions: entries
        .slice(0, 5)
        .map((one) => `${inputsText(one)} in ${one.repository}: ${ports.command} --resume ${one.id}`),
    });
  }
  const github = await ports.github(entry.repository);
  const run = github.api === entry.api ? await findRun(github, entry) : undefined;
  if (run === undefined) {
    throw new PrimitiveError('gitops-run-missing', `Request ${id} has no run in ${entry.repository}.`, {
      why:
        github.api === entry.api
          ? 'It never reached GitHub, or its run was deleted.'
          : `It was sent to ${entry.api}, and this is ${github.api}.`,
      suggestions: ['Run the command without --resume again.'],
    });
  }
  return followRequest({ ...entry, run: run.id }, run, wait, github, ports);
}

/**
 * The run of a request that another process keeps. Where it does not come, this process takes the request over: from
 * then on the other one sends it no more, and what it sent just before shows by the end of a second wait.
 */
async function awaitOther(
  entry: JournalEntry,
  claim: string,
  key: string,
  github: GitHub,
  ports: DispatchPorts,
): Promise<WorkflowRun | undefined> {
  ports.emit({
    type: 'step',
    step: 'wait',
    message: 'Another process has made the same request: looking for its run',
  });
  const found = await awaitRun(github, entry, ports);
  if (found !== undefined) return found;
  await ports.journal.replace(key, { ...entry, claim });
  return awaitRun(github, entry, ports);
}

/** What is sent: an input that has its default value is left out, so that an older workflow need not know it. */
function sent(
  inputs: Readonly<Record<string, string>>,
  { inputs: rules }: InputsFile,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(inputs).filter(([name, value]) => value !== rules[name]?.default));
}

/** Whether the default branch has all of these files. */
async function hasFiles(
  files: readonly string[],
  { defaultBranch }: Repository,
  github: GitHub,
): Promise<boolean> {
  const texts = await Promise.all(files.map((path) => readable(github.file(path, defaultBranch))));
  return texts.every((text) => text !== undefined);
}

/** The result where there is nothing to ask for: all files are on the default branch, or in an open pull request. */
async function existing(
  wanted: Asked,
  {
    repository,
    pulls,
  }: { readonly repository: Repository; readonly pulls: readonly PullRequest[] | undefined },
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
  entry: JournalEntry,
  started: WorkflowRun,
  wait: Wait,
  github: GitHub,
  ports: DispatchPorts,
): Promise<GitopsRunDocument> {
  const resume = `${ports.command} --resume ${entry.id}`;
  try {
    if (wait === 'none')
      return documentOf(entry, 'dispatched', { state: { run: started, jobs: [] }, next: [resume] });
    const state = await follow(started, { ...ports, github });
    if (state.run.status !== 'completed') {
      const late = tooLate(state.run, ports.signal.reason, resume);
      return documentOf(entry, 'unfinished', { state, problem: late, next: [resume] });
    }
    const wrong = await problemOf(state, entry, github);
    if (wrong !== undefined) return documentOf(entry, 'failed', { state, problem: wrong });
    if (wait === 'run') return documentOf(entry, 'passed', { state, next: [resume] });
    ports.emit({ type: 'step', step: 'pull', message: `Looking for the pull request of ${entry.branch}` });
    const pull = await awaitPull(github, entry.branch, state.run.created, ports);
    if (pull === undefined) return await withoutPull(entry, state, github);
    warnOfAuthor(pull, ports.emit);
    return ofPull(entry, state, await withFiles(pull, github));
  } catch (error) {
    throw resumable(error, started, resume);
  }
}

function ofPull(
  entry: JournalEntry,
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
      suggestions: [`See why: ${pull.url}`, 'Run the same command again to propose it again.'],
    }),
  });
}

/** What is wrong with a pull request that changes more than the wiring of a primitive. */
function foreignProblem(
  { number, url, files }: NonNullable<GitopsRunDocument['pull']>,
  { allowed }: Pick<Asked, 'allowed'>,
): Problem | undefined {
  const foreign = foreignFiles(files, allowed);
  if (foreign.length === 0) return undefined;
  return problem('pull-foreign', `Pull request #${number} changes files that the workflow does not write.`, {
    why: foreign.join('\n'),
    suggestions: [
      `Read it, and who has pushed to it: ${url}`,
      'Close it, or take them out; --force makes its branch anew, without what others have pushed to it.',
    ],
  });
}

/** A workflow opens its pull requests as an app, or as the account of a token that its owner has set up. */
function warnOfAuthor({ number, author, byApp }: PullRequest, emit: Emit): void {
  if (byApp) return;
  const message = `Pull request #${number} was opened by ${author}, who is no app: see that it is the workflow's.`;
  emit({ type: 'warning', code: 'gitops-pull-author', message });
}

/** A run that succeeded without a pull request: because there was nothing to change, or for a reason that it says. */
async function withoutPull(entry: JournalEntry, state: RunState, github: GitHub): Promise<GitopsRunDocument> {
  const repository = await github.repository();
  const isKnown = repository !== undefined && entry.files.length > 0;
  if (isKnown && (await hasFiles(entry.files, repository, github)))
    return documentOf(entry, 'exists', { state });
  return documentOf(entry, 'failed', {
    state,
    problem: problem('pull-missing', `Run ${state.run.id} succeeded, and its pull request was not found.`, {
      why: `No pull request of ${entry.repository} has the head branch ${entry.branch}.`,
      suggestions: [
        `See what the run did: ${state.run.url}`,
        'In Settings, Actions, General, allow GitHub Actions to create pull requests, or use the token of an app.',
      ],
    }),
  });
}

function tooLate(run: WorkflowRun, { message }: PrimitiveError, resume: string): Problem {
  if (run.status === 'waiting') {
    return problem('run-waiting', `Run ${run.id} waits for an approval.`, {
      why: `${message} A rule of its environment asks a person to approve it.`,
      suggestions: [`Approve it: ${run.url}`, resume],
    });
  }
  return problem('timeout', `Run ${run.id} is not completed.`, {
    why: `${message} Its status is ${run.status}. It goes on: ${run.url}`,
    suggestions: [resume, `Or wait longer: ${resume} --timeout 60m`],
  });
}

/** The reason of the signal, before the run was found: the request may have been sent. */
function stoppedBefore(reason: PrimitiveError, resume: string): PrimitiveError {
  const { code, message, exit, retryable } = reason;
  const why = 'The request may have been sent; its run goes on.';
  return new PrimitiveError(code, message, { why, suggestions: [resume], exit, retryable, cause: reason });
}

/** An error from while a run was followed: the run goes on, and can be followed again. */
function resumable(error: unknown, { id, url }: WorkflowRun, resume: string): unknown {
  if (!(error instanceof PrimitiveError)) return error;
  const { code, message, why, suggestions, exit, retryable } = error;
  const stopped = code === 'interrupted';
  return new PrimitiveError(code, stopped ? `Stopped following run ${id}.` : message, {
    why: `${stopped || why === undefined ? '' : `${why}\n`}The run goes on: ${url}`,
    suggestions: [resume, ...suggestions],
    exit,
    retryable,
    cause: error,
  });
}
