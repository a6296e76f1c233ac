import { Pool } from 'undici';
import { explain, RequestError } from './send.ts';

/** Connections to a proxy that opens tunnels by CONNECT (RFC 9110, section 9.3.6). */
export class Tunnels extends Pool {
  readonly #host: string;

  constructor(origin: URL, options?: object) {
    super(origin, options);
    this.#host = origin.host;
  }

  /**
   * Throws {@link RequestError} for every answer but 200. Undici would take some of its own errors for a connection that
   * was closed too early, and ask again at once, thousands of times a second.
   */
  // @ts-expect-error undici's agents call this one way, and its types overload it.
  override async connect(options: Pool.ConnectOptions): Promise<Pool.ConnectData> {
    const answer = await super.connect(options).catch((thrown: unknown) => {
      throw this.#failed(thrown);
    });
    const { socket, statusCode } = answer;
    if (statusCode === 200) return answer;
    socket.on('error', () => {}).destroy();
    throw new RequestError(
      statusCode < 500 ? 'proxy' : 'unreachable',
      `the proxy ${this.#host} answered ${statusCode}`,
    );
  }

  #failed(thrown: unknown): unknown {
    const failure = thrown instanceof Error ? explain(thrown, this.#host) : thrown;
    if (!(failure instanceof RequestError)) return failure;
    return new RequestError(failure.kind, `the proxy ${this.#host}: ${failure.message}`, { cause: thrown });
  }
}
