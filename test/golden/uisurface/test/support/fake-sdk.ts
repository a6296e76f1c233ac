import { once } from 'node:events';
import { type Caller, type Draft, type Row, type Rows, type Sdk, SdkError } from '../../src/sdk/sdk.ts';

/** An SDK whose services answer with the same list or error every time, or not at all; it remembers what was asked. */
export class FakeSdk implements Sdk {
  readonly callers: Caller[] = [];
  readonly after: (string | undefined)[] = [];
  readonly created: Draft[] = [];
  readonly #answer: readonly Row[] | Error | 'silence';
  readonly #next: string | undefined;

  constructor(answer: readonly Row[] | Error | 'silence', next?: string) {
    this.#answer = answer;
    this.#next = next;
  }

  async listOrders(caller: Caller, after?: string): Promise<Rows> {
    this.after.push(after);
    return { rows: await this.#asked(caller), next: this.#next };
  }

  async createOrder(caller: Caller, draft: Draft): Promise<void> {
    await this.#asked(caller);
    this.created.push(draft);
  }

  async close(): Promise<void> {}

  async #asked(caller: Caller): Promise<readonly Row[]> {
    this.callers.push(caller);
    if (this.#answer === 'silence') {
      if (!caller.signal.aborted) await once(caller.signal, 'abort');
      throw new SdkError('the call was ended', { cause: caller.signal.reason });
    }
    if (this.#answer instanceof Error) throw this.#answer;
    return this.#answer;
  }
}
