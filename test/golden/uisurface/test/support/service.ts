import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service behind this surface, on a loopback port, for as long as the test runs. */
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

  /** Resolves when somebody connects. */
  async asked(): Promise<void> {
    await once(this.#server, 'connection');
  }

  /** Ends all connections and takes no more. */
  hangUp(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) this.hangUp();
  }
}
