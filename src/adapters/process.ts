import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { delimiter } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentialsFor, withoutCredentials } from '../core/credentials.ts';
import { PrimitiveError } from '../core/errors.ts';
import { isMaskable, mask, writtenForms } from '../core/mask.ts';
import { optional } from '../core/object.ts';
import type { Processes, ProgramOptions, RunResult } from '../core/process.ts';
import type { Variables } from '../core/variables.ts';
import { programFolders } from '../toolchain/folders.ts';
import { type RunSettings, resolveProgram, startError } from './process-program.ts';

const MAX_STDOUT = 64 * 1024 * 1024;
const STDERR_TAIL = 64 * 1024;
const MAX_LINE = 64 * 1024;
/** Milliseconds between SIGTERM and SIGKILL, for a program to clean up. */
const GRACE_MS = 5_000;
/** A killed group is gone at once unless the kernel holds it; waiting longer would not help. */
const KILL_MS = 1_000;
const POLL_MS = 20;

/** Leaders of the process groups that run now; one exit hook ends them all. */
const leaders = new Set<number>();
let hooked = false;

/**
 * The only starter of programs, over execa.
 *
 * Each program leads a process group of its own: Ctrl-C at the terminal reaches us alone and we decide what becomes of
 * it, an abort ends it with all that it started, and none is left when this process exits. A process that dies by a
 * signal runs no exit hook, so the caller turns SIGINT, SIGTERM and SIGHUP into an abort.
 *
 * A program is looked for in the absolute entries of PATH alone, here and by what it starts itself; one in a checkout is
 * not started. It inherits no credentials of the environment but those that its run needs.
 */
export function createProcesses(environment: Variables, limits: RunSettings = {}): Processes {
  const { platform } = process;
  // Windows writes it `Path`.
  const name = Object.keys(environment).find(
    (key) => key === 'PATH' || (platform === 'win32' && /^path$/i.test(key)),
  );
  const variables = { ...environment };
  if (name !== undefined) {
    // An empty one would mean the current folder.
    variables[name] = programFolders({ path: environment[name], platform }).join(delimiter) || undefined;
  }
  const { secrets = [] } = limits;
  const inherited = withoutCredentials(variables);
  return {
    run: (program, args, { needs, ...options } = {}) => {
      const environment = { ...inherited, ...(needs && credentialsFor(needs, variables)), ...options.env };
      const redacted = [...secrets, ...(options.secrets ?? [])];
      return run(environment, limits, program, args, { ...options, secrets: redacted });
    },
  };
}

async function run(
  environment: Variables,
  limits: RunSettings,
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<RunResult> {
  const { execa } = await import('execa');
  options.signal?.throwIfAborted();
  const file = await resolveProgram(program, environment.PATH ?? environment.Path, limits);
  if (file === undefined) throw await startError(program, limits, options.cwd, 'ENOENT', undefined);
  const start = () =>
    execa(file, args, {
      ...optional('cwd', options.cwd),
      ...stdinOf(options.input),
      env: definedOnly(environment),
      extendEnv: false,
      detached: process.platform !== 'win32',
      cleanup: false,
      buffer: false,
      reject: false,
    });
  let child: ReturnType<typeof start>;
  try {
    child = start();
  } catch (cause) {
    throw await startError(program, limits, options.cwd, 'an argument that no program can be given', cause);
  }
  const group = child.pid === undefined ? undefined : new Group(child.pid, [child.stdout, child.stderr]);
  const release = group === undefined ? () => {} : guard(group, program, options);
  try {
    const output = new Output(program, options);
    converse(options.input, child.stdin).catch((cause: unknown) => group?.stop(cause));
    const [outcome] = await Promise.all([
      child,
      Promise.all([
        pump(child.stdout, (chunk) => output.stdout(chunk)),
        pump(child.stderr, (chunk) => output.stderr(chunk)),
      ]).catch((cause: unknown) => group?.stop(cause)),
    ]);
    await group?.rethrow();
    if (group === undefined)
      throw await startError(program, limits, options.cwd, outcome.code, outcome.cause);
    return output.result(outcome.exitCode ?? 128 + (outcome.signal ? constants.signals[outcome.signal] : 0));
  } finally {
    release();
  }
}

function stdinOf(input: ProgramOptions['input']) {
  if (input === undefined) return { stdin: 'ignore' } as const;
  return typeof input === 'string' || input instanceof Uint8Array ? { input } : ({ stdin: 'pipe' } as const);
}

/** Writes input that comes in parts. Not awaited: the program may end while the next part is still to come. */
async function converse(input: ProgramOptions['input'], stdin: Writable | null): Promise<void> {
  if (input === undefined || stdin === null || typeof input === 'string' || input instanceof Uint8Array)
    return;
  for await (const part of input) {
    if (!stdin.writable) return;
    // If the pipe breaks instead, the exit code says why.
    if (!stdin.write(part)) await once(stdin, 'drain').catch(() => {});
  }
  stdin.end();
}

/** Ends the group on abort, timeout and exit, until the returned function is called. */
function guard(group: Group, program: string, { signal, timeout }: ProgramOptions): () => void {
  if (!hooked) process.once('exit', () => leaders.forEach((pid) => void signalGroup(pid, 'SIGKILL')));
  hooked = true;
  leaders.add(group.pid);
  const abort = () => group.stop(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) abort();
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          group.stop(
            new PrimitiveError('tool-timeout', `${program} timed out after ${timeout / 1000} s`, {
              exit: 3,
              retryable: true,
            }),
          );
        }, timeout);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    leaders.delete(group.pid);
  };
}

/** A child and all that it started, and why it had to end. */
class Group {
  readonly pid: number;
  readonly #streams: readonly Readable[];
  #ending: Promise<void> | undefined;
  #reason: unknown;

  constructor(pid: number, streams: readonly Readable[]) {
    this.pid = pid;
    this.#streams = streams;
  }

  /** Ends the group; the first reason is the one that counts. */
  stop(reason: unknown): void {
    if (this.#ending) return;
    this.#reason = reason;
    this.#ending = this.#end();
  }

  /** Throws the reason of `stop` once nothing of the group is left. */
  async rethrow(): Promise<void> {
    if (!this.#ending) return;
    await this.#ending;
    throw this.#reason;
  }

  async #end(): Promise<void> {
    signalGroup(this.pid, 'SIGTERM');
    if (!(await this.#gone(GRACE_MS))) {
      signalGroup(this.pid, 'SIGKILL');
      await this.#gone(KILL_MS);
    }
    // A process that left the group may still hold the pipes open.
    for (const stream of this.#streams) stream.destroy();
  }

  async #gone(milliseconds: number): Promise<boolean> {
    for (const until = Date.now() + milliseconds; await groupLives(this.pid); ) {
      if (Date.now() >= until) return false;
      await sleep(POLL_MS);
    }
    return true;
  }
}

/** Sends a signal to a process group (on Windows to its leader); false if the group is gone. */
function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  try {
    return process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    return false;
  }
}

/**
 * Whether anything of a group still runs. Orphans that ended but were not collected, as where a container's first process
 * collects none, still count for kill(2); on Linux /proc shows their state.
 */
async function groupLives(pid: number): Promise<boolean> {
  if (!signalGroup(pid, 0)) return false;
  if (process.platform !== 'linux') return true;
  const entries = await readdir('/proc').catch(() => []);
  const members = entries.filter((entry) => /^\d+$/.test(entry)).map((entry) => livesIn(entry, pid));
  return entries.length === 0 || (await Promise.all(members)).includes(true);
}

/** proc(5), /proc/pid/stat: after the name in parentheses come state, parent and process group. */
async function livesIn(entry: string, group: number): Promise<boolean> {
  const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
  const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return pgrp === String(group) && state !== 'Z' && state !== 'X';
}

async function pump(stream: Readable, take: (chunk: Uint8Array) => void | Promise<void>): Promise<void> {
  for await (const chunk of stream) await take(chunk as Uint8Array);
}

/** The part of a run's output that is kept and passed on. */
class Output {
  readonly #program: string;
  readonly #options: ProgramOptions;
  readonly #redactor: Redactor;
  readonly #outLines: Lines | undefined;
  readonly #errLines: Lines | undefined;
  #out: Uint8Array[] = [];
  #outSize = 0;
  #err: Buffer = Buffer.alloc(0);
  #errCut = false;

  constructor(program: string, options: ProgramOptions) {
    const { onLine } = options;
    const redactor = new Redactor(options.secrets ?? []);
    this.#program = program;
    this.#options = options;
    this.#redactor = redactor;
    if (onLine) {
      this.#errLines = new Lines(redactor, (line) => onLine(line, 'stderr'));
      if (!options.stdout) this.#outLines = new Lines(redactor, (line) => onLine(line, 'stdout'));
    }
  }

  stdout(chunk: Uint8Array): void | Promise<void> {
    if (this.#options.stdout) return this.#options.stdout(chunk);
    this.#outLines?.add(chunk);
    this.#outSize += chunk.length;
    const limit = this.#options.maxStdout ?? MAX_STDOUT;
    if (this.#outSize > limit) {
      throw new PrimitiveError('tool-output-too-large', `${this.#program} wrote more than ${limit} bytes`, {
        exit: 3,
      });
    }
    this.#out.push(chunk);
  }

  stderr(chunk: Uint8Array): void {
    this.#errLines?.add(chunk);
    this.#err = Buffer.concat([this.#err, chunk]);
    if (this.#err.length > STDERR_TAIL) {
      this.#err = this.#err.subarray(-STDERR_TAIL);
      this.#errCut = true;
    }
  }

  result(exitCode: number): RunResult {
    this.#outLines?.end();
    this.#errLines?.end();
    // From the start of a line: a secret whose front was cut off would not be recognised.
    const from = this.#errCut ? this.#err.indexOf(0x0a) + 1 || 4 * this.#redactor.longest : 0;
    return {
      exitCode,
      stdout: Buffer.concat(this.#out),
      stderr: this.#redactor.redact(this.#err.toString('utf8', from)),
    };
  }
}

/** Cuts a byte stream into redacted lines; one beyond 64 KiB is cut off. */
class Lines {
  readonly #redactor: Redactor;
  readonly #emit: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(redactor: Redactor, emit: (line: string) => void) {
    this.#redactor = redactor;
    this.#emit = emit;
  }

  add(chunk: Uint8Array): void {
    const parts = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = (parts.pop() ?? '').slice(0, MAX_LINE + this.#redactor.longest);
    for (const line of parts) this.#line(line);
  }

  end(): void {
    const rest = this.#rest + this.#decoder.decode();
    if (rest !== '') this.#line(rest);
  }

  #line(line: string): void {
    const { redact, longest } = this.#redactor;
    if (line.length <= MAX_LINE) {
      this.#emit(redact(line.endsWith('\r') ? line.slice(0, -1) : line));
      return;
    }
    // A secret that was cut off would not be recognised: the last characters, if it may be, are dropped.
    const head = redact(line.slice(0, MAX_LINE + longest));
    this.#emit(`${head.slice(0, head.length - longest)} …`);
  }
}

/** Replaces secrets; as output comes in lines, also each line of a secret of several lines. */
class Redactor {
  /** Characters of the longest secret. */
  readonly longest: number;
  readonly redact: (text: string) => string;

  constructor(secrets: readonly string[]) {
    const lines = secrets.flatMap((secret) => secret.split(/\r?\n/));
    // Longest first, so that none is found only in part.
    const all = [...new Set([...secrets, ...lines].map((secret) => secret.trim()))]
      .filter(isMaskable)
      .sort((a, b) => b.length - a.length);
    this.longest = Math.max(0, ...all.map((secret) => writtenForms(secret)[0]?.length ?? 0));
    this.redact = (text) => mask(text, all);
  }
}

function definedOnly(variables: Variables): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter((entry) => entry[1] !== undefined)) as Record<
    string,
    string
  >;
}
