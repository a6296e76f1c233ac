import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A fake service on a loopback port. */
export class FakeService implements AsyncDisposable {
  readonly #server: Server;
  readonly #listening: Promise<unknown>;

  constructor(answer: RequestListener) {
    this.#server = createServer(answer).listen(0, '127.0.0.1');
    this.#listening = once(this.#server, 'listening');
  }

  async url(): Promise<URL> {
    await this.#listening;
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`);
  }

  /** Resolves at the next connection. */
  async asked(): Promise<void> {
    await once(this.#server, 'connection');
  }

  /** Closes all connections and accepts no more. */
  hangUp(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) this.hangUp();
  }
}
