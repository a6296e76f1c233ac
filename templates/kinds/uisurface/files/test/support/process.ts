import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { LogRecord } from './log.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const JSX = new URL('./jsx.ts', import.meta.url).href;

/** The exit code of a process and its log records. */
export interface Ended {
  readonly exitCode: number | null;
  readonly records: readonly LogRecord[];
}

/** The process of this surface, with exactly the given environment. Its output must be JSON lines. */
export class SurfaceProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  readonly #ended: Promise<unknown>;
  readonly #lines: string[] = [];
  readonly #news = new EventEmitter();
  #over = false;

  constructor(environment: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, ['--import', JSX, MAIN], {
      env: { ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface(this.#child.stdout).on('line', (line) => {
      this.#lines.push(line);
      this.#news.emit('news');
    });
    this.#ended = once(this.#child, 'close').finally(() => {
      this.#over = true;
      this.#news.emit('news');
    });
  }

  /** Waits until the process accepts connections, and returns its URL. */
  async open(): Promise<string> {
    const { port } = await this.logged('open');
    return `http://127.0.0.1:${port}`;
  }

  /** Waits for the first record with that message. */
  async logged(message: string): Promise<LogRecord> {
    for (;;) {
      const record = this.#records().find((each) => each.message === message);
      if (record !== undefined) return record;
      if (this.#over) throw new Error(`the process ended: ${this.#lines.join('\n')}`);
      await once(this.#news, 'news');
    }
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  async ended(): Promise<Ended> {
    await this.#ended;
    return { exitCode: this.#child.exitCode, records: this.#records() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #records(): readonly LogRecord[] {
    return this.#lines.map((line) => JSON.parse(line));
  }
}
