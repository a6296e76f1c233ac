import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** How a process ended: its exit code, and the records that it logged. */
export interface Ended {
  readonly exitCode: number | null;
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

/** The process of this surface, with nothing in its environment but `environment`. */
export class SurfaceProcess implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown[]>;
  #output = '';

  constructor(environment: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [MAIN], { env: { ...environment } });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#ended = once(this.#child, 'close');
  }

  /** Waits until the process is ready for traffic. */
  async ready(url: string): Promise<void> {
    for (let attempt = 0; attempt < 300 && this.#child.exitCode === null; attempt++) {
      const response = await fetch(`${url}/readyz`).catch(() => undefined);
      if (response?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the process did not become ready; it wrote ${this.#output}`);
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  async ended(): Promise<Ended> {
    await this.#ended;
    const lines = this.#output.trimEnd().split('\n');
    return { exitCode: this.#child.exitCode, records: lines.map((line) => JSON.parse(line)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
